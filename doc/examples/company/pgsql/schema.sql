-- The accounts and aliases of the company in PostgreSQL: two roles, so that
-- what asks for addresses can not read hashes.

CREATE TABLE account (
	address text PRIMARY KEY,
	hash text NOT NULL,
	quota text,			-- such as 2G
	forward text,			-- addresses with commas
	keep boolean NOT NULL DEFAULT true,
	active boolean NOT NULL DEFAULT true
);
CREATE TABLE alias (
	name text NOT NULL,		-- an address, a local part, or @domain
	target text NOT NULL,
	position int NOT NULL DEFAULT 0,
	PRIMARY KEY (name, target)
);
CREATE VIEW mailbox AS
	SELECT address, quota, forward, keep, active FROM account;

CREATE ROLE postrider_auth LOGIN;
CREATE ROLE postrider_maps LOGIN;
GRANT SELECT ON account TO postrider_auth;
GRANT SELECT ON mailbox, alias TO postrider_maps;
