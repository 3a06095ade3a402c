//! Reads the rows of a CSV or XLSX file, one after the other.
//!
//! Owns what people's files look like: the format, found from the first bytes; UTF-8 with or
//! without a byte order mark, UTF-16, and GBK or GB18030, which Excel in China uses for CSV; codes
//! that a spreadsheet stores as numbers; and the limits that stop a small file from unpacking into
//! a huge one. It must not know what a row means.

use std::io::{Read, Seek, SeekFrom};

use calamine::{DataRef, Reader as _, Xlsx};
use encoding_rs::{Encoding, GB18030, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::{Column, Faults};

/// Most rows of a file.
pub const MOST_ROWS: i64 = 1_000_000;
/// The most columns that we read.
const MOST_COLUMNS: usize = 64;
/// Longest value in bytes.
const MOST_VALUE_BYTES: usize = 4096;
/// What an XLSX file may hold when unpacked, in bytes.
const MOST_UNPACKED: u64 = 400 * 1024 * 1024;
/// The limit for the parts that we hold whole in memory: everything but the sheets.
const MOST_HELD: u64 = 128 * 1024 * 1024;

/// Why reading stopped.
#[derive(Debug)]
pub enum Stopped {
    /// The file cannot be read. Names the line.
    Unreadable(i64, &'static str, String),
    /// The reader asked to stop.
    Asked,
    /// The bytes of the file cannot be loaded.
    Lost(std::io::Error),
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Lost(error)
    }
}

/// A row under the file's header.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its number in the file, from 1.
    pub line: i64,
    places: &'a Places,
    values: &'a [String],
}

impl Row<'_> {
    /// The trimmed value of a column. Empty if the file has no such column.
    #[must_use]
    pub fn get(&self, column: &str) -> &str {
        self.places
            .0
            .iter()
            .find(|(name, _)| *name == column)
            .and_then(|(_, place)| self.values.get(*place))
            .map_or("", |value| value.trim())
    }

    /// Whether the file has this column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.places.0.iter().any(|(name, _)| *name == column)
    }
}

/// The position of each column.
#[derive(Debug)]
struct Places(Vec<(&'static str, usize)>);

impl Places {
    fn of(header: &[String], columns: &[Column], faults: &mut Faults) -> Option<Self> {
        let known: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let mut places: Vec<(&'static str, usize)> = Vec::new();
        for (place, name) in header.iter().enumerate() {
            let name = name.trim().to_lowercase();
            let column = columns
                .iter()
                .find(|column| column.name == name || column.also.contains(&name.as_str()));
            match column {
                Some(column) if places.iter().any(|(known, _)| *known == column.name) => {
                    faults.add(1, column.name, "repeated", "The column appears twice.");
                }
                Some(column) => places.push((column.name, place)),
                None if name.is_empty() => {}
                None => faults.add(
                    1,
                    None,
                    "unknown_column",
                    format!(
                        "Unknown column {name:?}. The columns are {}.",
                        known.join(", ")
                    ),
                ),
            }
        }
        for column in columns.iter().filter(|column| column.required) {
            if !places.iter().any(|(name, _)| *name == column.name) {
                faults.add(1, column.name, "required", "The column is missing.");
            }
        }
        faults.is_empty().then_some(Self(places))
    }
}

/// Checks from its first bytes whether a file can be read at all.
///
/// # Errors
/// What the user can do about it.
pub fn sniff(beginning: &[u8]) -> Result<(), &'static str> {
    const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    const PDF: &[u8] = b"%PDF";
    if beginning.starts_with(OLE) {
        Err("This is an old Excel file (.xls): save it as .xlsx or CSV.")
    } else if beginning.starts_with(PDF) || (!is_xlsx(beginning) && is_binary(beginning)) {
        Err("Send a CSV or XLSX file.")
    } else {
        Ok(())
    }
}

fn is_xlsx(beginning: &[u8]) -> bool {
    beginning.starts_with(b"PK\x03\x04")
}

/// Only a CSV file in UTF-16 contains NUL bytes, and it starts with a byte order mark.
fn is_binary(beginning: &[u8]) -> bool {
    let utf16 = beginning.starts_with(b"\xff\xfe") || beginning.starts_with(b"\xfe\xff");
    !utf16 && beginning.contains(&0)
}

/// Reads a file row by row. Bad rows go to `faults`; `take` gets the others.
///
/// # Errors
/// Why it stopped before the end.
pub fn read(
    mut file: impl Read + Seek,
    columns: &[Column],
    faults: &mut Faults,
    take: &mut dyn FnMut(&Row<'_>, &mut Faults) -> Result<(), Stopped>,
) -> Result<(), Stopped> {
    let mut beginning = [0; 4];
    let mut length = 0;
    while length < beginning.len() {
        match file.read(beginning.get_mut(length..).unwrap_or_default())? {
            0 => break,
            count => length += count,
        }
    }
    file.seek(SeekFrom::Start(0))?;
    let mut reading = Reading {
        columns,
        places: None,
        width: 0,
        rows: 0,
        take,
    };
    if is_xlsx(&beginning) {
        xlsx(file, &mut reading, faults)?;
    } else {
        csv_rows(file, &mut reading, faults)?;
    }
    if reading.places.is_none() && faults.is_empty() {
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let detail = format!(
            "The file is empty. The first line must be {}.",
            names.join(",")
        );
        faults.add(1, None, "empty", detail);
    }
    Ok(())
}

/// What both formats share when they handle a row.
struct Reading<'a> {
    columns: &'a [Column],
    places: Option<Places>,
    width: usize,
    rows: i64,
    take: &'a mut dyn FnMut(&Row<'_>, &mut Faults) -> Result<(), Stopped>,
}

impl Reading<'_> {
    /// Takes a row. `whole`: it must have as many values as the header.
    fn row(
        &mut self,
        line: i64,
        values: &[String],
        whole: bool,
        faults: &mut Faults,
    ) -> Result<(), Stopped> {
        let Some(places) = &self.places else {
            self.width = values.len();
            self.places = Places::of(values, self.columns, faults);
            // Without the columns we cannot read any line.
            return match &self.places {
                Some(_) => Ok(()),
                None => Err(Stopped::Asked),
            };
        };
        if values.iter().all(|value| value.trim().is_empty()) {
            return Ok(());
        }
        self.rows += 1;
        if self.rows > MOST_ROWS {
            let detail = format!("A file has at most {MOST_ROWS} lines.");
            return Err(Stopped::Unreadable(line, "too_long", detail));
        }
        if whole && values.len() != self.width {
            let detail = format!("{} values where {} are expected.", values.len(), self.width);
            faults.add(line, None, "wrong_length", detail);
            return Ok(());
        }
        if values.iter().any(|value| value.len() > MOST_VALUE_BYTES) {
            let detail = format!("A value has more than {MOST_VALUE_BYTES} bytes.");
            faults.add(line, None, "too_long", detail);
            return Ok(());
        }
        if values.iter().any(|value| value.contains('\u{fffd}')) {
            let detail =
                "It contains characters that cannot be read. Save the file as \"CSV UTF-8\".";
            faults.add(line, None, "bad_encoding", detail);
            return Ok(());
        }
        let row = Row {
            line,
            places,
            values,
        };
        (self.take)(&row, faults)
    }
}

/// Guesses from its bytes the encoding of a text without a byte order mark.
fn encoding(file: &mut impl Read) -> std::io::Result<&'static Encoding> {
    let (mut characters, mut broken) = (0_u64, 0_u64);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        for chunk in buffer.get(..count).unwrap_or_default().utf8_chunks() {
            characters += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count() as u64;
            // The end of a piece may cut a character in two.
            broken += u64::from(!chunk.invalid().is_empty());
        }
    }
    Ok(if broken > characters { GB18030 } else { UTF_8 })
}

fn csv_rows(
    mut file: impl Read + Seek,
    reading: &mut Reading<'_>,
    faults: &mut Faults,
) -> Result<(), Stopped> {
    let encoding = encoding(&mut file)?;
    file.seek(SeekFrom::Start(0))?;
    let text = DecodeReaderBytesBuilder::new()
        .encoding(Some(encoding))
        .bom_override(true)
        .build(file);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(text);
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                let line = position(error.position());
                return Err(match error.into_kind() {
                    csv::ErrorKind::Io(error) => Stopped::Lost(error),
                    _ => Stopped::Unreadable(line, "malformed", "It is no CSV.".to_owned()),
                });
            }
        }
        let line = position(record.position());
        if record.as_slice().len() > MOST_COLUMNS * MOST_VALUE_BYTES {
            let detail = "The line is too long. Check for a missing closing quotation mark.";
            return Err(Stopped::Unreadable(line, "too_long", detail.to_owned()));
        }
        let values: Vec<String> = record
            .iter()
            .take(MOST_COLUMNS)
            .map(str::to_owned)
            .collect();
        reading.row(line, &values, true, faults)?;
    }
}

fn position(position: Option<&csv::Position>) -> i64 {
    position.map_or(0, |position| {
        i64::try_from(position.line()).unwrap_or(i64::MAX)
    })
}

fn xlsx(
    mut file: impl Read + Seek,
    reading: &mut Reading<'_>,
    faults: &mut Faults,
) -> Result<(), Stopped> {
    bounded(&mut file)?;
    file.seek(SeekFrom::Start(0))?;
    let damaged = |error: calamine::XlsxError| {
        Stopped::Unreadable(1, "malformed", format!("It is no XLSX file: {error}."))
    };
    let mut book = Xlsx::new(std::io::BufReader::new(file)).map_err(damaged)?;
    let Some(sheet) = book.sheet_names().first().cloned() else {
        return Err(Stopped::Unreadable(
            1,
            "empty",
            "The file has no sheet.".to_owned(),
        ));
    };
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(damaged)?;
    let mut values: Vec<String> = Vec::new();
    let mut current = 0;
    loop {
        let cell = cells.next_cell().map_err(damaged)?;
        let row = cell.as_ref().map(|cell| cell.get_position().0);
        if row != Some(current) {
            if !values.is_empty() {
                reading.row(i64::from(current) + 1, &values, false, faults)?;
                values.clear();
            }
            match row {
                Some(row) => current = row,
                None => return Ok(()),
            }
        }
        let Some(cell) = cell else { return Ok(()) };
        let place = usize::try_from(cell.get_position().1).unwrap_or(usize::MAX);
        if place >= MOST_COLUMNS {
            continue;
        }
        if values.len() <= place {
            values.resize(place + 1, String::new());
        }
        if let Some(value) = values.get_mut(place) {
            *value = text(cell.get_value());
        }
    }
}

/// The text of a cell. The cell may store a code as a number.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(date) => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(_) => "\u{fffd}".to_owned(),
        DataRef::Empty => String::new(),
    }
}

/// Unpacks every part to measure its real size, because the size that the file claims may be false.
fn bounded(file: &mut (impl Read + Seek)) -> Result<(), Stopped> {
    let damaged = |error: &dyn std::fmt::Display| {
        Stopped::Unreadable(1, "malformed", format!("It is no XLSX file: {error}."))
    };
    let mut archive = zip::ZipArchive::new(file).map_err(|error| damaged(&error))?;
    let (mut all, mut held) = (0, 0);
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| damaged(&error))?;
        let name = part.name().map_err(|error| damaged(&error))?;
        let sheet = name.starts_with("xl/worksheets/");
        let room = if sheet {
            MOST_UNPACKED.saturating_sub(all)
        } else {
            MOST_HELD.saturating_sub(held)
        };
        let size = std::io::copy(&mut part.take(room + 1), &mut std::io::sink())
            .map_err(|error| damaged(&error))?;
        all += size;
        held += if sheet { 0 } else { size };
        if all > MOST_UNPACKED || held > MOST_HELD {
            let detail = "The file is too large when unpacked.";
            return Err(Stopped::Unreadable(1, "too_long", detail.to_owned()));
        }
    }
    Ok(())
}
