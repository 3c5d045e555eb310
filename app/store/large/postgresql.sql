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
    SELECT 'designation', designation, sum(sign) FROM (
        SELECT designation, 1 AS sign FROM rows_after UNION ALL SELECT designation, -1 FROM rows_before
    ) AS changed GROUP BY designation HAVING sum(sign) <> 0
    UNION ALL SELECT 'denied_action', denied_action, sum(sign) FROM (
        SELECT denied_action, 1 AS sign FROM rows_after UNION ALL SELECT denied_action, -1 FROM rows_before
    ) AS changed GROUP BY denied_action HAVING sum(sign) <> 0;
    RETURN NULL;
END $$

CREATE FUNCTION flow_counts_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO flow_counts
    SELECT '', '', count(*) FROM rows_after HAVING count(*) > 0
    UNION ALL SELECT 'designation', designation, count(*) FROM rows_after GROUP BY designation
    UNION ALL SELECT 'denied_action', denied_action, count(*) FROM rows_after GROUP BY denied_action;
    IF random() < 0.005 THEN
        PERFORM flow_counts_sum_up();
    END IF;
    RETURN NULL;
END $$

CREATE FUNCTION flow_counts_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO flow_counts
    SELECT '', '', -count(*) FROM rows_before HAVING count(*) > 0
    UNION ALL SELECT 'designation', designation, -count(*) FROM rows_before GROUP BY designation
    UNION ALL SELECT 'denied_action', denied_action, -count(*) FROM rows_before GROUP BY denied_action;
    RETURN NULL;
END $$

CREATE TRIGGER flow_added AFTER INSERT ON flows
REFERENCING NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION flow_counts_added()

CREATE TRIGGER flow_removed AFTER DELETE ON flows
REFERENCING OLD TABLE AS rows_before FOR EACH STATEMENT EXECUTE FUNCTION flow_counts_removed()

CREATE TRIGGER flow_counted_anew AFTER UPDATE ON flows
REFERENCING OLD TABLE AS rows_before NEW TABLE AS rows_after FOR EACH STATEMENT EXECUTE FUNCTION flow_counts_changed()

CREATE FUNCTION flow_trigrams(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_agg(DISTINCT substr($1, place, 3)) FROM generate_series(1, length($1) - 2) AS place
$$

-- A column and not the function alone, so that a scan need not make the trigrams of each row.
ALTER TABLE flows ADD COLUMN trigrams text[] GENERATED ALWAYS AS (flow_trigrams(search)) STORED

CREATE INDEX ix_flows_trigrams ON flows USING gin (trigrams)

ANALYZE flows
