//! Reads EXIF: orientation, time and place of the shot.
//!
//! Owns this reading. Malformed EXIF gives fewer values or none; it must never be a reason to refuse
//! a picture.

use std::io::{BufRead, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone, Utc};
use exif::{Exif, In, Tag, Value};

use super::Format;

/// China has one time zone, and most cameras do not write their own.
const CHINA_OFFSET_MINUTES: i32 = 8 * 60;

/// What was found.
pub(super) struct Said {
    pub orientation: u8,
    pub taken_at: Option<DateTime<Utc>>,
    pub position: Option<(f64, f64)>,
}

/// Reads the EXIF of a picture.
pub(super) fn read<R: BufRead + Seek>(reader: &mut R, format: Format) -> Said {
    let nothing = Said {
        orientation: 1,
        taken_at: None,
        position: None,
    };
    // The reader for TIFF takes the whole file into memory; no phone writes TIFF.
    if format == Format::Tiff || format == Format::Gif {
        return nothing;
    }
    let read = catch_unwind(AssertUnwindSafe(|| {
        exif::Reader::new()
            .continue_on_error(true)
            .read_from_container(reader)
            .or_else(|error| error.distill_partial_result(|_| ()))
            .ok()
    }));
    match read {
        Ok(Some(exif)) => Said {
            orientation: orientation(&exif).unwrap_or(1),
            taken_at: taken_at(&exif),
            position: position(&exif),
        },
        Ok(None) | Err(_) => nothing,
    }
}

fn orientation(exif: &Exif) -> Option<u8> {
    let value = exif
        .get_field(Tag::Orientation, In::PRIMARY)?
        .value
        .get_uint(0)?;
    u8::try_from(value)
        .ok()
        .filter(|value| (1..=8).contains(value))
}

fn ascii(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(lines) => lines.first().map(Vec::as_slice),
        _ => None,
    }
}

fn taken_at(exif: &Exif) -> Option<DateTime<Utc>> {
    [
        (
            Tag::DateTimeOriginal,
            Tag::OffsetTimeOriginal,
            Tag::SubSecTimeOriginal,
        ),
        (
            Tag::DateTimeDigitized,
            Tag::OffsetTimeDigitized,
            Tag::SubSecTimeDigitized,
        ),
    ]
    .into_iter()
    .find_map(|(time, offset, fraction)| {
        let mut read = exif::DateTime::from_ascii(ascii(exif, time)?).ok()?;
        // A value that cannot be read is left out.
        if let Some(text) = ascii(exif, offset) {
            let _unreadable = read.parse_offset(text);
        }
        if let Some(text) = ascii(exif, fraction) {
            let _unreadable = read.parse_subsec(text);
        }
        let minutes = read.offset.map_or(CHINA_OFFSET_MINUTES, i32::from);
        let local = NaiveDate::from_ymd_opt(
            i32::from(read.year),
            u32::from(read.month),
            u32::from(read.day),
        )?
        .and_hms_micro_opt(
            u32::from(read.hour),
            u32::from(read.minute),
            u32::from(read.second),
            read.nanosecond.unwrap_or(0) / 1000,
        )?;
        let instant = FixedOffset::east_opt(minutes * 60)?
            .from_local_datetime(&local)
            .single()?;
        Some(instant.to_utc())
    })
}

fn position(exif: &Exif) -> Option<(f64, f64)> {
    let latitude = degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S', 90.0)?;
    let longitude = degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W', 180.0)?;
    // A receiver without a fix writes zeros.
    (latitude != 0.0 || longitude != 0.0).then_some((latitude, longitude))
}

fn degrees(exif: &Exif, tag: Tag, reference: Tag, negative: u8, limit: f64) -> Option<f64> {
    let parts: Vec<f64> = match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Rational(parts) => parts.iter().map(exif::Rational::to_f64).collect(),
        // Some phones write this, against the standard.
        Value::SRational(parts) => parts.iter().map(exif::SRational::to_f64).collect(),
        _ => return None,
    };
    let whole = *parts.first()?;
    let minutes = parts.get(1).copied().unwrap_or(0.0);
    let seconds = parts.get(2).copied().unwrap_or(0.0);
    let value = whole + minutes / 60.0 + seconds / 3600.0;
    let signed = match ascii(exif, reference).and_then(<[u8]>::first) {
        Some(letter) if *letter == negative => -value,
        _ => value,
    };
    (signed.abs() <= limit).then(|| (signed * 1e7).round() / 1e7)
}
