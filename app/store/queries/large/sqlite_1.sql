CREATE TABLE flow_counts (
    member TEXT NOT NULL,
    value TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (member, value)
) WITHOUT ROWID

INSERT INTO flow_counts
SELECT '', '', count(*) FROM flows
UNION ALL SELECT 'designation', designation, count(*) FROM flows GROUP BY designation
UNION ALL SELECT 'denied_action', denied_action, count(*) FROM flows GROUP BY denied_action

-- Numbers of rows of their own: VACUUM may change those of a table whose key is text.
CREATE TABLE flow_words_rows (id INTEGER PRIMARY KEY, pk TEXT NOT NULL UNIQUE)

CREATE VIRTUAL TABLE flow_words
USING fts5(search, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1')

INSERT INTO flow_words_rows (pk) SELECT pk FROM flows ORDER BY slug

INSERT INTO flow_words (rowid, search) SELECT id, search FROM flow_words_rows JOIN flows USING (pk) ORDER BY id

CREATE TRIGGER flow_counted_anew AFTER UPDATE OF designation, denied_action ON flows
WHEN (old.designation, old.denied_action) <> (new.designation, new.denied_action) BEGIN
    UPDATE flow_counts SET number = number - 1
    WHERE (member, value) IN (VALUES ('designation', old.designation), ('denied_action', old.denied_action));
    INSERT INTO flow_counts
    VALUES ('designation', new.designation, 1), ('denied_action', new.denied_action, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
END
