//! Pictures as bytes: their format, their EXIF data, and their two smaller copies.
//!
//! Owns reading and scaling pictures. It blocks, and must not use a database, the network or
//! settings. It does not trust its input: it reads sizes before it decodes a pixel, and a damaged
//! picture gives a value, never a panic.

mod container;
mod exif;
mod render;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, BufRead, Seek};

use chrono::{DateTime, Utc};

pub use render::{Damaged, PREVIEW_SIDE, Renditions, THUMBNAIL_SIDE, render};

/// A picture format, recognised by content, never by file name or declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    Webp,
    /// HEIC, the format of many phones; kept and never decoded.
    Heic,
    /// HEIF with another codec; kept and never decoded.
    Heif,
    /// AVIF; kept and never decoded.
    Avif,
    /// GIF; kept and never decoded.
    Gif,
    /// TIFF; kept and never decoded.
    Tiff,
}

impl Format {
    /// All formats.
    pub const ALL: &'static [Self] = &[
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Heic,
        Self::Heif,
        Self::Avif,
        Self::Gif,
        Self::Tiff,
    ];

    /// The media type it is served with.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Heic => "image/heic",
            Self::Heif => "image/heif",
            Self::Avif => "image/avif",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
        }
    }

    /// The format of one of our media types.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|format| format.media_type() == media_type)
    }

    /// The usual file extension.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Heic => "heic",
            Self::Heif => "heif",
            Self::Avif => "avif",
            Self::Gif => "gif",
            Self::Tiff => "tiff",
        }
    }

    /// Whether smaller copies can be made of it.
    #[must_use]
    pub const fn decodable(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Webp)
    }
}

/// What a picture says about itself, without decoding a pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Its format.
    pub format: Format,
    /// Width and height as stored, before it is turned upright; unknown for some that are not decoded.
    pub size: Option<(u32, u32)>,
    /// How it must be turned: the EXIF orientation, 1 to 8; 1 is upright.
    pub orientation: u8,
    /// When it was taken, by EXIF.
    pub taken_at: Option<DateTime<Utc>>,
    /// Where it was taken, by EXIF: latitude and longitude in WGS-84.
    pub position: Option<(f64, f64)>,
}

/// Why bytes are not accepted as a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No known picture format.
    NotAPicture,
    /// It begins like this format, but its size cannot be read.
    Unreadable(Format),
    /// It is cut off.
    CutOff(Format),
    /// It has more pixels than allowed.
    TooManyPixels {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// How many pixels are allowed.
        limit: u64,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPicture => formatter.write_str(
                "The content is not a picture. Send JPEG, PNG or WebP (HEIC, HEIF, AVIF, GIF and TIFF are kept without smaller copies).",
            ),
            Self::Unreadable(format) => write!(
                formatter,
                "The content begins like {}, but its width and height cannot be read.",
                format.media_type()
            ),
            Self::CutOff(format) => write!(
                formatter,
                "The content ends in the middle of the picture ({}): it was cut off before or while it was sent. Send the whole file.",
                format.media_type()
            ),
            Self::TooManyPixels {
                width,
                height,
                limit,
            } => write!(
                formatter,
                "The picture has {width} × {height} pixels; at most {limit} are allowed."
            ),
        }
    }
}

/// Reads what a picture says about itself. The outer error comes from reading the bytes.
pub fn inspect<R: BufRead + Seek>(
    reader: &mut R,
    max_pixels: u64,
) -> io::Result<Result<Picture, Refusal>> {
    let format = match container::sniff(reader)? {
        Some(format) => format,
        None => return Ok(Err(Refusal::NotAPicture)),
    };
    let size = match container::measure(reader, format)? {
        Ok(size) => size,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some((width, height)) = size
        && u64::from(width) * u64::from(height) > max_pixels
    {
        return Ok(Err(Refusal::TooManyPixels {
            width,
            height,
            limit: max_pixels,
        }));
    }
    reader.rewind()?;
    let said = exif::read(reader, format);
    Ok(Ok(Picture {
        format,
        size,
        orientation: said.orientation,
        taken_at: said.taken_at,
        position: said.position,
    }))
}
