# mailboxes.pgsql - the same without hashes, for router; mapd-tables(5).
for = maps
hosts = /run/postgresql
dbname = mail
user = postrider_maps
query = SELECT quota, forward, CASE WHEN keep THEN 'yes' ELSE 'no' END,
    CASE WHEN active THEN 'no' ELSE 'yes' END
    FROM mailbox WHERE address = %s
result = quota=%1 forward=%2 keep=%3 disabled=%4
