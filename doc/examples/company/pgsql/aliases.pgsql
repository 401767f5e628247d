# aliases.pgsql - one target a row; mapd-tables(5).
for = maps
hosts = /run/postgresql
dbname = mail
user = postrider_maps
query = SELECT target FROM alias WHERE name = %s ORDER BY position, target
rows = join
