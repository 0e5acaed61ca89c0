-- Three questions to the record, in SQL: `sqlite3 -header -tabs dist/1.0.0/mali-under-military-rule.sqlite < questions.sql`

-- 1. Which dated events does each source speak of?
SELECT source_id, date_text, date_min, date_max, event_id FROM timeline ORDER BY date_min IS NULL, date_min, event_id;

-- 2. Who is addressed by which recommendation?
SELECT addressee, recommendation_id, gist FROM recommendations_by_addressee ORDER BY addressee, recommendation_id;

-- 3. What is asserted about the arrest wave, by whom, with which figures?
SELECT claim_id AS id, asserted_by, speech_act, gist, qty_low, qty_best, qty_high, qty_text FROM arrest_wave ORDER BY id;
