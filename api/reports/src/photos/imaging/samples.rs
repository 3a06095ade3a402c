//! Pictures for tests, made by the tests themselves.

use std::io::Cursor;

use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag, Value};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

/// Four quarters of different colours, so that every rotation is visible.
pub(crate) fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        match (x < width / 2, y < height / 2) {
            (true, true) => Rgb([220, 30, 30]),
            (false, true) => Rgb([30, 200, 30]),
            (true, false) => Rgb([30, 30, 210]),
            (false, false) => Rgb([240, 240, 60]),
        }
    })
}

/// A picture in one of the image crate's formats.
pub(crate) fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG of four quarters.
pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(quarters(width, height), ImageFormat::Jpeg)
}

/// A PNG in which only the header is real.
pub(crate) fn png_head(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(b"\x08\x02\0\0\0....\0\0\0\x04IDATabcd....\0\0\0\0IEND....");
    bytes
}

/// The same JPEG with an EXIF segment of these bytes.
pub(crate) fn with_exif_bytes(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    let length = u16::try_from(tiff.len() + 8).unwrap();
    let mut bytes = jpeg[..2].to_vec();
    bytes.extend([0xFF, 0xE1]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(tiff);
    bytes.extend(&jpeg[2..]);
    bytes
}

/// The same JPEG with these EXIF fields.
pub(crate) fn with_exif(jpeg: &[u8], fields: Vec<(Tag, Value)>) -> Vec<u8> {
    let fields: Vec<Field> = fields
        .into_iter()
        .map(|(tag, value)| Field {
            tag,
            ifd_num: In::PRIMARY,
            value,
        })
        .collect();
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut tiff = Cursor::new(Vec::new());
    writer.write(&mut tiff, false).unwrap();
    with_exif_bytes(jpeg, &tiff.into_inner())
}

/// An EXIF text value.
pub(crate) fn text(value: &str) -> Value {
    Value::Ascii(vec![value.as_bytes().to_vec()])
}

/// Degrees, minutes, seconds.
pub(crate) fn degrees(parts: [(u32, u32); 3]) -> Value {
    Value::Rational(
        parts
            .into_iter()
            .map(|(num, denom)| Rational { num, denom })
            .collect(),
    )
}
