# A release of a store as a list of data frames, typed by its Table Schemas, every file checked by its SHA-256. Base R alone.
#
#   source("load.R")
#   tables <- imprint_load("https://example.org/dist", version = "1.0.0")
#
# The index leads to the manifest by its digest, and the manifest to each file: what differs by a byte is refused. The
# digests are computed by R from 4.5 on, before that by sha256sum, shasum or certutil, one of which every system has.

imprint_load <- function(store, version = "latest", folder = tempfile("imprint-")) {
  on.exit(unlink(folder, recursive = TRUE))
  get <- function(path, digest = NULL) imprint_file(sub("/+$", "", store), path, digest, folder)
  index <- imprint_json(get("index.json"))
  versions <- vapply(index$versions, function(one) one$version, "")
  wanted <- if (identical(version, "latest")) index$latest else version
  if (!wanted %in% versions) stop(store, " has no version \"", version, "\"; it has ", paste(versions, collapse = ", "), call. = FALSE)
  listed <- index$versions[[match(wanted, versions)]]
  root <- paste0(sub("/+$", "", listed$path), "/")
  if (is.null(listed$manifest)) stop(store, " lists ", wanted, " without the digest of its manifest", call. = FALSE)
  files <- imprint_json(get(paste0(root, "manifest.json"), listed$manifest))$files
  file <- function(name) {
    if (is.null(files[[name]]$sha256)) stop("the manifest has no digest of ", name, call. = FALSE)
    get(paste0(root, name), files[[name]]$sha256)
  }
  tables <- list()
  for (resource in imprint_json(file("datapackage.json"))$resources) {
    schema <- resource$schema
    if (is.null(schema)) next
    if (is.character(schema)) schema <- imprint_json(file(schema))
    made <- names(Filter(function(one) identical(one$form, "csv") && identical(one$table, resource$name), files))
    own <- if (is.character(resource$path) && grepl("\\.csv$", resource$path) && is.null(resource$dialect)) resource$path
    name <- c(made, own)[1]
    if (is.na(name)) warning("the release has no CSV of ", resource$name, call. = FALSE)
    else tables[[resource$name]] <- imprint_frame(file(name), schema)
  }
  tables
}

# A file of the store, copied to `folder`; its path there. It stops where the SHA-256 is not the one that was promised.
imprint_file <- function(store, path, digest, folder) {
  if (grepl("^[/~]|:|\\\\|(^|/)\\.\\.(/|$)", path)) stop("don't trust this store: \"", path, "\" leads out of it", call. = FALSE)
  target <- file.path(folder, path)
  dir.create(dirname(target), recursive = TRUE, showWarnings = FALSE)
  if (grepl("^https?://", store)) {
    parts <- vapply(strsplit(path, "/", fixed = TRUE)[[1]], utils::URLencode, "", reserved = TRUE, repeated = TRUE)
    address <- paste0(store, "/", paste(parts, collapse = "/"))
    failed <- tryCatch(utils::download.file(address, target, mode = "wb", quiet = TRUE), error = conditionMessage, warning = conditionMessage)
    if (!identical(failed, 0L)) stop(path, " cannot be downloaded: ", failed, call. = FALSE)
  } else if (!file.copy(file.path(store, path), target, overwrite = TRUE)) stop(store, " has no ", path, call. = FALSE)
  if (!is.null(digest) && !identical(imprint_sha256(target), tolower(digest)))
    stop(path, " is not what was released: its SHA-256 differs", call. = FALSE)
  target
}

imprint_sha256 <- function(path) {
  if (exists("sha256sum", asNamespace("tools"))) return(unname(get("sha256sum", asNamespace("tools"))(path)))
  for (tool in list(c("sha256sum"), c("shasum", "-a", "256"), c("certutil", "-hashfile"))) {
    if (!nzchar(Sys.which(tool[1]))) next
    after <- if (tool[1] == "certutil") "SHA256"
    said <- gsub("[ \\\\]", "", sub("^\\\\?([0-9a-fA-F]{64})  .*", "\\1", system2(tool[1], c(tool[-1], shQuote(path), after), stdout = TRUE)))
    return(tolower(grep("^[0-9a-fA-F]{64}$", said, value = TRUE)[1]))
  }
  stop("SHA-256 needs R 4.5, or sha256sum, shasum or certutil", call. = FALSE)
}

# A JSON file as lists, texts, numbers and truth values; null is NA.
imprint_json <- function(path) {
  text <- readChar(path, file.size(path), useBytes = TRUE)
  Encoding(text) <- "UTF-8"
  part <- "\"(?:[^\"\\\\]++|\\\\.)*+\"|-?[0-9][-+.0-9eE]*|true|false|null|[][{}:,]"
  tokens <- regmatches(text, gregexpr(part, text, perl = TRUE))[[1]]
  at <- 0
  bad <- function() stop(basename(path), " is not JSON", call. = FALSE)
  if (nzchar(gsub("[ \t\r\n]", "", gsub(part, "", text, perl = TRUE)))) bad()
  following <- function(...) {
    at <<- at + 1
    if (at > length(tokens) || (...length() && !tokens[at] %in% c(...))) bad()
    tokens[at]
  }
  value <- function() {
    token <- following()
    switch(substr(token, 1, 1), "{" = several("}"), "[" = several("]"), "\"" = imprint_text(token), t = TRUE, f = FALSE,
      n = NA, "]" = , "}" = , ":" = , "," = bad(), as.numeric(token))
  }
  several <- function(end) {
    found <- list()
    names <- character()
    if (at < length(tokens) && tokens[at + 1] == end) {
      following()
      return(found)
    }
    repeat {
      if (end == "}") {
        name <- following()
        if (!startsWith(name, "\"")) bad()
        names <- c(names, imprint_text(name))
        following(":")
      }
      found[[length(found) + 1]] <- value()
      if (following(",", end) == end) break
    }
    if (end == "}") names(found) <- names
    found
  }
  whole <- value()
  if (at < length(tokens)) bad()
  whole
}

# The text that a JSON string stands for.
imprint_text <- function(token) {
  text <- substr(token, 2, nchar(token) - 1)
  if (!grepl("\\", text, fixed = TRUE)) return(text)
  part <- "\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\\\u[0-9a-fA-F]{4}|\\\\."
  one <- function(escaped) {
    codes <- strtoi(regmatches(escaped, gregexpr("[0-9a-fA-F]{4}", escaped))[[1]], 16L)
    if (length(codes) == 2) return(intToUtf8(0x10000 + (codes[1] - 0xD800) * 0x400 + codes[2] - 0xDC00))
    if (length(codes) == 1) return(intToUtf8(codes))
    switch(substr(escaped, 2, 2), n = "\n", t = "\t", r = "\r", b = "\b", f = "\f", substr(escaped, 2, 2))
  }
  found <- gregexpr(part, text, perl = TRUE)
  regmatches(text, found) <- list(vapply(regmatches(text, found)[[1]], one, ""))
  text
}

imprint_frame <- function(path, schema) {
  frame <- utils::read.csv(path, colClasses = "character", na.strings = character(), check.names = FALSE, encoding = "UTF-8",
    blank.lines.skip = FALSE)
  names(frame)[1] <- sub("^\ufeff", "", names(frame)[1])
  for (field in schema$fields) if (field$name %in% names(frame)) {
    missing <- if (is.null(field$missingValues)) schema$missingValues else field$missingValues
    missing <- if (is.null(missing)) "" else vapply(missing, imprint_code, "")
    cells <- frame[[field$name]]
    cells[cells %in% missing] <- NA
    frame[[field$name]] <- imprint_column(cells, field)
  }
  frame
}

imprint_code <- function(one) as.character(if (is.list(one)) one$value else one)

# Cells as the field's type, where base R has one; what it can't say (lists, objects, times with a zone) stays text.
imprint_column <- function(cells, field) {
  option <- function(name, default) if (is.null(field[[name]])) default else unlist(field[[name]])
  plain <- function(mark) {
    if (!option("bareNumber", TRUE)) cells <- gsub("^[^-+0-9]+|[^0-9]+$", "", cells)
    if (nzchar(option("groupChar", ""))) cells <- gsub(option("groupChar", ""), "", cells, fixed = TRUE)
    sub(mark, ".", cells, fixed = TRUE)
  }
  format <- option("format", "default")
  typed <- switch(option("type", "string"),
    integer = , year = { numbers <- suppressWarnings(as.numeric(plain(".")))
      if (all(abs(numbers) < 2^31, na.rm = TRUE)) as.integer(numbers) else if (all(abs(numbers) < 2^53, na.rm = TRUE)) numbers else cells },
    number = suppressWarnings(as.numeric(plain(option("decimalChar", ".")))),
    boolean = ifelse(cells %in% option("trueValues", c("true", "True", "TRUE", "1")), TRUE,
      ifelse(cells %in% option("falseValues", c("false", "False", "FALSE", "0")), FALSE, NA)),
    date = if (format == "any") cells else as.Date(cells, if (format == "default") "%Y-%m-%d" else format),
    datetime = if (format != "default" || any(grepl("[+-][0-9]{2}:?[0-9]{2}$", cells))) cells
      else as.POSIXct(sub("T", " ", sub("Z$", "", cells)), tz = "UTC", format = "%Y-%m-%d %H:%M:%OS"),
    string = {
      codes <- if (is.null(field[["categories"]])) field$constraints$enum else field[["categories"]]
      if (is.null(codes)) cells else factor(cells, vapply(codes, imprint_code, ""), ordered = isTRUE(field$categoriesOrdered))
    },
    cells)
  if (any(is.na(typed) & !is.na(cells))) cells else typed # a cell that isn't of the type: nothing is lost
}
