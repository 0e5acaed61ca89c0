# The tables of a release as R's readers see them, one JSON line for each reader and table: types and rows.
suppressPackageStartupMessages({library(readr); library(jsonlite); library(readxl); library(RSQLite)})

arguments <- commandArgs(trailingOnly = TRUE)
files <- fromJSON(arguments[1])  # the path of each table's file by format, and that of the files with all tables

cell <- function(column, row) {
  if (is.data.frame(column)) { values <- as.list(column[row, ]); return(if (all(is.na(values))) NULL else values) }
  value <- column[[row]]
  if (inherits(value, "POSIXct")) sub("T00:00:00Z$", "", format(value, "%Y-%m-%dT%H:%M:%SZ", tz = "UTC")) else
    if (inherits(value, "Date")) format(value) else if (is.list(column) && !is.null(value)) I(value) else value
}
tell <- function(reader, table, read) {
  rows <- lapply(seq_len(nrow(read)), function(row) lapply(unname(as.list(read)), cell, row))
  said <- list(reader = reader, table = table, types = lapply(as.list(read), function(column) class(column)[1]), rows = rows)
  cat(toJSON(said, auto_unbox = TRUE, digits = NA, na = "null", null = "null"), "\n", sep = "")
}

classes <- list(plants = c(evergreen = "logical", found = "Date"), sightings = c(certain = "logical"), uses = NA)
database <- dbConnect(SQLite(), files$sqlite, flags = SQLITE_RO)
for (table in names(files$csv)) {
  tell("base R csv", table, read.csv(files$csv[[table]], na.strings = "", colClasses = classes[[table]]))
  tell("readr csv", table, read_csv(files$csv[[table]], show_col_types = FALSE))
  tell("jsonlite json", table, fromJSON(files$json[[table]]))
  tell("RSQLite sqlite", table, dbReadTable(database, table))
  tell("readxl xlsx", table, read_excel(files$xlsx, table))
}
dbDisconnect(database)
