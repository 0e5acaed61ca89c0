CREATE VIEW leaves AS SELECT id, name FROM plants WHERE kind = 'leaf';
