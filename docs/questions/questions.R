# Three questions to the record, in R: `Rscript questions.R dist/1.0.0` prints the answers as tab-separated text.
suppressPackageStartupMessages({library(readr); library(jsonlite); library(dplyr)})

arguments <- commandArgs(trailingOnly = TRUE)
folder <- if (length(arguments)) arguments[1] else "dist/1.0.0"
table <- function(name) read_csv(file.path(folder, "data", paste0(name, ".csv")), col_types = cols(.default = "c"))
claims <- table("claims"); events <- table("events"); sections <- table("sections"); actors <- table("actors")
asks <- table("recommendations"); addressees <- table("recommendation_addressees")
sources <- fromJSON(file.path(folder, "data", "sources.json"))
stopifnot(all(sections$source_id %in% sources$id))

# 1. Which dated events does each source speak of?
timeline <- events |> filter(!is.na(date_text)) |>
  inner_join(claims |> inner_join(sections, by = c(section_id = "id")) |> distinct(event_id, source_id), by = c(id = "event_id")) |>
  transmute(source_id, date_text, date_min, date_max, event_id = id) |> arrange(date_min, event_id, .locale = "C")

# 2. Who is addressed by which recommendation?
asked <- addressees |> inner_join(asks, by = c(recommendation_id = "id")) |> inner_join(actors, by = c(actor_id = "id")) |>
  transmute(addressee = name, recommendation_id, gist) |> arrange(addressee, recommendation_id, .locale = "C")

# 3. What is asserted about the arrest wave, by whom, with which figures?
wave <- claims |> filter(event_id == "arrests-of-soldiers-alleged-plot") |>
  inner_join(actors |> select(id, name), by = c(asserted_by = "id")) |>
  transmute(id, asserted_by = name, speech_act, gist, qty_low, qty_best, qty_high, qty_text) |> arrange(id, .locale = "C")

for (answer in list(timeline, asked, wave)) cat(format_tsv(answer, na = ""), "\n", sep = "")
