//! Makes the two smaller copies of a picture from one decoding: upright, with white behind
//! transparent parts, and encoded anew, so they hold no metadata of the original.
//!
//! Owns the sizes and the scaling. It must not know where pictures are stored.

use std::any::Any;
use std::fmt;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbImage};

use super::Format;

/// The longest side of a preview, in pixels.
pub const PREVIEW_SIDE: u32 = 1600;
/// The longest side of a thumbnail, in pixels.
pub const THUMBNAIL_SIDE: u32 = 320;

const PREVIEW_QUALITY: u8 = 80;
const THUMBNAIL_QUALITY: u8 = 75;
/// How much memory the decoding of one picture may take. Its pixels were counted before.
const MAX_DECODED_BYTES: u64 = 1 << 30;

/// The smaller copies, as JPEG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renditions {
    /// At most [`PREVIEW_SIDE`] pixels a side.
    pub preview: Vec<u8>,
    /// At most [`THUMBNAIL_SIDE`] pixels a side.
    pub thumbnail: Vec<u8>,
}

/// Why the picture cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged(pub String);

impl fmt::Display for Damaged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Damaged {}

/// Any error of a picture library.
type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Makes both copies. `orientation` is the EXIF value, 1 to 8. A panic in a decoder is caught and
/// means that the picture is damaged.
pub fn render(content: &[u8], format: Format, orientation: u8) -> Result<Renditions, Damaged> {
    match catch_unwind(AssertUnwindSafe(|| copies(content, format, orientation))) {
        Ok(made) => made.map_err(|fault| Damaged(fault.to_string())),
        Err(panic) => Err(Damaged(format!("the decoder panicked: {}", said(&panic)))),
    }
}

fn said(panic: &Box<dyn Any + Send>) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

fn copies(content: &[u8], format: Format, orientation: u8) -> Result<Renditions, Fault> {
    let decoded = match format {
        Format::Jpeg => match decode_jpeg(content) {
            // A second decoder knows some kinds of JPEG that the first one does not. We do not use
            // it for damaged files: it would paint the missing part grey and report no error.
            Err(fault) if unsupported(&fault) => {
                decode(content, ImageFormat::Jpeg).map_err(|other| format!("{fault}; {other}"))?
            }
            decoded => decoded?,
        },
        Format::Png => decode(content, ImageFormat::Png)?,
        Format::Webp => decode(content, ImageFormat::WebP)?,
        Format::Heic | Format::Heif | Format::Avif | Format::Gif | Format::Tiff => {
            return Err("this format is not decoded".into());
        }
    };
    let preview = upright(fit(decoded, PREVIEW_SIDE)?, orientation);
    let preview_jpeg = encode(&preview, PREVIEW_QUALITY)?;
    let thumbnail = fit(preview, THUMBNAIL_SIDE)?;
    Ok(Renditions {
        preview: preview_jpeg,
        thumbnail: encode(&thumbnail, THUMBNAIL_QUALITY)?,
    })
}

fn unsupported(fault: &Fault) -> bool {
    matches!(
        fault.downcast_ref(),
        Some(jpeg_decoder::Error::Unsupported(_))
    )
}

/// Decodes a JPEG at the smallest scale of 1/8, 1/4, 1/2 and 1 that is enough for a preview.
fn decode_jpeg(content: &[u8]) -> Result<RgbImage, Fault> {
    let mut decoder = jpeg_decoder::Decoder::new(content);
    decoder.read_info()?;
    let full = decoder.info().ok_or("no frame header")?;
    let (width, height) = fitted(
        (u32::from(full.width), u32::from(full.height)),
        PREVIEW_SIDE,
    );
    let (width, height) = decoder.scale(u16::try_from(width)?, u16::try_from(height)?)?;
    let pixels = decoder.decode()?;
    let rgb = match full.pixel_format {
        jpeg_decoder::PixelFormat::RGB24 => pixels,
        jpeg_decoder::PixelFormat::L8 => pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
        jpeg_decoder::PixelFormat::CMYK32 => pixels
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|[cyan, magenta, yellow, key]| {
                [cyan, magenta, yellow].map(|ink| printed(*ink, *key))
            })
            .collect(),
        jpeg_decoder::PixelFormat::L16 => return Err("16-bit JPEG".into()),
    };
    RgbImage::from_raw(u32::from(width), u32::from(height), rgb)
        .ok_or_else(|| "fewer pixels than the frame header says".into())
}

/// The light that is left by a colour ink and the black ink.
fn printed(ink: u8, key: u8) -> u8 {
    let light = u16::from(255 - ink) * u16::from(255 - key) / 255;
    u8::try_from(light).unwrap_or(u8::MAX)
}

fn decode(content: &[u8], format: ImageFormat) -> Result<RgbImage, Fault> {
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = image::ImageReader::with_format(Cursor::new(content), format);
    reader.limits(limits);
    let decoded = reader.decode()?;
    if !decoded.color().has_alpha() {
        return Ok(decoded.into_rgb8());
    }
    let transparent = decoded.into_rgba8();
    let (width, height) = transparent.dimensions();
    let flat = transparent
        .into_raw()
        .as_chunks::<4>()
        .0
        .iter()
        .flat_map(|[red, green, blue, alpha]| {
            [red, green, blue].map(|channel| over_white(*channel, *alpha))
        })
        .collect();
    RgbImage::from_raw(width, height, flat).ok_or_else(|| "fewer pixels than announced".into())
}

fn over_white(channel: u8, alpha: u8) -> u8 {
    let alpha = u16::from(alpha);
    let mixed = (u16::from(channel) * alpha + 255 * (255 - alpha) + 127) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

/// A size with the same proportions and at most `side` on the longest side; never larger than the
/// original.
fn fitted((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= side {
        return (width, height);
    }
    let scaled = |length: u32| {
        let rounded =
            (u64::from(length) * u64::from(side) + u64::from(longest) / 2) / u64::from(longest);
        u32::try_from(rounded).unwrap_or(side).max(1)
    };
    (scaled(width), scaled(height))
}

fn fit(picture: RgbImage, side: u32) -> Result<RgbImage, Fault> {
    let (width, height) = fitted(picture.dimensions(), side);
    if (width, height) == picture.dimensions() {
        return Ok(picture);
    }
    let source = ImageRef::new(
        picture.width(),
        picture.height(),
        picture.as_raw(),
        PixelType::U8x3,
    )?;
    let mut target = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize(&source, &mut target, &options)?;
    RgbImage::from_raw(width, height, target.into_vec())
        .ok_or_else(|| "a resized picture of another size".into())
}

fn upright(picture: RgbImage, orientation: u8) -> RgbImage {
    match Orientation::from_exif(orientation) {
        None | Some(Orientation::NoTransforms) => picture,
        Some(turn) => {
            let mut turned = DynamicImage::ImageRgb8(picture);
            turned.apply_orientation(turn);
            turned.into_rgb8()
        }
    }
}

fn encode(picture: &RgbImage, quality: u8) -> Result<Vec<u8>, Fault> {
    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, quality);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_0);
    encoder.encode(
        picture.as_raw(),
        u16::try_from(picture.width())?,
        u16::try_from(picture.height())?,
        jpeg_encoder::ColorType::Rgb,
    )?;
    Ok(jpeg)
}
