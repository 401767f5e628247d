# users.pgsql - accounts, for auth alone; mapd-tables(5).
for = auth
hosts = /run/postgresql
dbname = mail
user = postrider_auth
query = SELECT hash, quota, CASE WHEN active THEN 'no' ELSE 'yes' END
    FROM account WHERE address = %s
result = pass=%1 quota=%2 disabled=%3
