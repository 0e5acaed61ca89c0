-- Views of the record, for the SQLite file of a release. A row is what a document says, never what is true.

-- Dated events by source: one row for each event that a document dates, and the document.
CREATE VIEW timeline AS
SELECT DISTINCT sections.source_id, events.date_text, events.date_edtf_stated, events.date_edtf, events.date_min,
  events.date_max, events.id AS event_id, events.label
FROM events
JOIN claims ON claims.event_id = events.id
JOIN sections ON sections.id = claims.section_id
WHERE events.date_text IS NOT NULL
ORDER BY events.date_min IS NULL, events.date_min, events.id;

-- Who is addressed by which recommendation.
CREATE VIEW recommendations_by_addressee AS
SELECT actors.name AS addressee, recommendations.id AS recommendation_id, recommendations.ordinal, recommendations.gist
FROM recommendation_addressees
JOIN recommendations ON recommendations.id = recommendation_addressees.recommendation_id
JOIN actors ON actors.id = recommendation_addressees.actor_id
ORDER BY actors.name, recommendations.ordinal;

-- What is asserted about the arrest wave, by whom, with which figures.
CREATE VIEW arrest_wave AS
SELECT claims.id AS claim_id, asserter.name AS asserted_by, source.name AS attributed_to, claims.speech_act, claims.hedge,
  claims.gist, claims.qty_low, claims.qty_best, claims.qty_high, claims.qty_text
FROM claims
JOIN actors AS asserter ON asserter.id = claims.asserted_by
LEFT JOIN actors AS source ON source.id = claims.attributed_to
WHERE claims.event_id = 'arrests-of-soldiers-alleged-plot'
ORDER BY claims.id;
