# Every cell of a workbook's tables as readxl sees it, one JSON line each: sheet, row, column, kind, value.
suppressPackageStartupMessages({library(readxl); library(jsonlite)})

path <- commandArgs(trailingOnly = TRUE)[1]
kind <- function(cell) switch(class(cell)[1], POSIXct = "date", numeric = "number", logical = if (is.na(cell)) "empty" else "boolean", character = "text")
value <- function(cell, kind) if (kind == "date") format(cell + 0.0005, "%Y-%m-%dT%H:%M:%OS3", tz = "UTC") else cell
for (sheet in setdiff(excel_sheets(path), "About")) {
  read <- read_excel(path, sheet, col_types = "list", na = character(), trim_ws = FALSE, .name_repair = "minimal")
  for (column in seq_along(read)) for (row in seq_len(nrow(read))) {
    cell <- read[[column]][[row]]
    said <- list(sheet = sheet, row = row, column = names(read)[column], kind = kind(cell), value = value(cell, kind(cell)))
    cat(toJSON(said, auto_unbox = TRUE, digits = NA, na = "null"), "\n", sep = "")
  }
}
