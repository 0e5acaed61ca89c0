CREATE VIEW leaves AS SELECT id, name FROM plants WHERE kind = 'leaf';
CREATE VIEW roots AS SELECT id, name FROM plants WHERE kind = 'root';
