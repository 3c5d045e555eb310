-- Many flows take longer than a request may.
SET LOCAL statement_timeout = 0

LOCK TABLE flows IN SHARE ROW EXCLUSIVE MODE

-- By letters that are told apart once: to count up to each place would take the square of the length of a text.
-- A part may be there several times: an index takes it once.
CREATE OR REPLACE FUNCTION flow_trigrams(text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    letters text[] := string_to_array($1, NULL);
    parts text[] := '{}';
BEGIN
    FOR place IN 1 .. cardinality(letters) - 2 LOOP
        parts := parts || (letters[place] || letters[place + 1] || letters[place + 2]);
    END LOOP;
    RETURN parts;
END $$

-- A column and not the function alone, so that a scan need not make the trigrams of each row.
ALTER TABLE flows ADD COLUMN IF NOT EXISTS trigrams text[] GENERATED ALWAYS AS (flow_trigrams(search)) STORED

CREATE INDEX IF NOT EXISTS ix_flows_trigrams ON flows USING gin (trigrams)

ANALYZE flows
