CREATE VIEW tall AS SELECT * FROM people WHERE height > 1.7;
