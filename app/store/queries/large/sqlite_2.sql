-- Flows whose words are not in the index yet: to write those of many at once takes a fraction of the time.
CREATE TABLE flow_words_waiting (id INTEGER PRIMARY KEY)

DROP TRIGGER IF EXISTS flow_added

DROP TRIGGER IF EXISTS flow_removed

DROP TRIGGER IF EXISTS flow_worded_anew

CREATE TRIGGER flow_added AFTER INSERT ON flows BEGIN
    INSERT INTO flow_counts
    VALUES ('', '', 1), ('designation', new.designation, 1), ('denied_action', new.denied_action, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
    INSERT INTO flow_words_rows (pk) VALUES (new.pk);
    INSERT INTO flow_words_waiting SELECT id FROM flow_words_rows WHERE pk = new.pk;
END

CREATE TRIGGER flow_removed AFTER DELETE ON flows BEGIN
    UPDATE flow_counts SET number = number - 1
    WHERE (member, value) IN (VALUES ('', ''), ('designation', old.designation), ('denied_action', old.denied_action));
    INSERT INTO flow_words (flow_words, rowid, search)
    SELECT 'delete', id, old.search FROM flow_words_rows
    WHERE pk = old.pk AND id NOT IN (SELECT id FROM flow_words_waiting);
    DELETE FROM flow_words_waiting WHERE id = (SELECT id FROM flow_words_rows WHERE pk = old.pk);
    DELETE FROM flow_words_rows WHERE pk = old.pk;
END

CREATE TRIGGER flow_worded_anew AFTER UPDATE OF search ON flows
WHEN old.search <> new.search BEGIN
    INSERT INTO flow_words (flow_words, rowid, search)
    SELECT 'delete', id, old.search FROM flow_words_rows
    WHERE pk = old.pk AND id NOT IN (SELECT id FROM flow_words_waiting);
    INSERT INTO flow_words_waiting
    SELECT id FROM flow_words_rows
    WHERE pk = old.pk AND id NOT IN (SELECT id FROM flow_words_waiting);
END

CREATE TRIGGER flow_words_written AFTER INSERT ON flow_words_waiting
WHEN (SELECT count(*) FROM flow_words_waiting) >= 128 BEGIN
    INSERT INTO flow_words (rowid, search)
    -- In this order: SQLite would look at all flows first.
    SELECT id, search FROM flow_words_waiting CROSS JOIN flow_words_rows USING (id) CROSS JOIN flows USING (pk);
    DELETE FROM flow_words_waiting;
END
