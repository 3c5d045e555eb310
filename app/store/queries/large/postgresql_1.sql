-- Many flows take longer than a request may.
SET LOCAL statement_timeout = 0

LOCK TABLE flows IN SHARE ROW EXCLUSIVE MODE

-- Changes, to be summed up: one number would make writers wait for one another.
CREATE TABLE flow_counts (
    member text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    number bigint NOT NULL
)

CREATE INDEX ix_flow_counts_member ON flow_counts (member, value) INCLUDE (number)

INSERT INTO flow_counts
SELECT '', '', count(*) FROM flows
UNION ALL SELECT 'designation', designation, count(*) FROM flows GROUP BY designation
UNION ALL SELECT 'denied_action', denied_action, count(*) FROM flows GROUP BY denied_action

CREATE FUNCTION flow_counts_sum_up() RETURNS void LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM flow_counts
        WHERE ctid = ANY (ARRAY (SELECT ctid FROM flow_counts FOR UPDATE SKIP LOCKED))
        RETURNING member, value, number
    )
    INSERT INTO flow_counts SELECT member, value, sum(number) FROM gone GROUP BY member, value HAVING sum(number) <> 0
$$

CREATE FUNCTION flow_counts_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO flow_counts
    SELECT member, value, sum(sign) FROM (
        SELECT designation, denied_action, 1 AS sign FROM rows_after
        UNION ALL SELECT designation, denied_action, -1 FROM rows_before
    ) AS changed, LATERAL (VALUES ('designation', designation), ('denied_action', denied_action)) AS counted (member, value)
    GROUP BY member, value HAVING sum(sign) <> 0;
    RETURN NULL;
END $$

CREATE FUNCTION flow_counts_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO flow_counts
    SELECT member, value, count(*) FROM rows_after, LATERAL (
        VALUES ('', ''), ('designation', designation), ('denied_action', denied_action)
    ) AS counted (member, value) GROUP BY member, value;
    IF random() < 0.005 THEN
        PERFORM flow_counts_sum_up();
    END IF;
    RETURN NULL;
END $$

CREATE FUNCTION flow_counts_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO flow_counts
    SELECT member, value, -count(*) FROM rows_before, LATERAL (
        VALUES ('', ''), ('designation', designation), ('denied_action', denied_action)
    ) AS counted (member, value) GROUP BY member, value;
    RETURN NULL;
END $$

CREATE TRIGGER flow_added AFTER INSERT ON flows
REFERENCING NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION flow_counts_added()

CREATE TRIGGER flow_removed AFTER DELETE ON flows
REFERENCING OLD TABLE AS rows_before FOR EACH STATEMENT EXECUTE FUNCTION flow_counts_removed()

CREATE TRIGGER flow_counted_anew AFTER UPDATE ON flows
REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION flow_counts_changed()
