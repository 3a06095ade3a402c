use std::io::Cursor;

use chrono::DateTime;
use exif::{Tag, Value};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba};
use proptest::prelude::*;

use super::samples::{
    degrees, encoded, jpeg, png_head, quarters, text, with_exif, with_exif_bytes,
};
use super::{Format, Picture, Refusal, Renditions, inspect, render};

const FORTY_MEGAPIXELS: u64 = 40_000_000;

fn look(content: &[u8]) -> Result<Picture, Refusal> {
    inspect(&mut Cursor::new(content), FORTY_MEGAPIXELS).unwrap()
}

fn picture(content: &[u8]) -> RgbImage {
    image::load_from_memory_with_format(content, ImageFormat::Jpeg)
        .unwrap()
        .into_rgb8()
}

fn close(pixel: &Rgb<u8>, expected: [u8; 3]) -> bool {
    pixel
        .0
        .iter()
        .zip(expected)
        .all(|(is, should)| is.abs_diff(should) <= 12)
}

/// The colours in the middle of the four quarters, as in [`quarters`].
fn assert_quarters(copy: &RgbImage) {
    let (width, height) = copy.dimensions();
    for (x, y, expected) in [
        (1, 1, [220, 30, 30]),
        (3, 1, [30, 200, 30]),
        (1, 3, [30, 30, 210]),
        (3, 3, [240, 240, 60]),
    ] {
        let pixel = copy.get_pixel(width * x / 4, height * y / 4);
        assert!(close(pixel, expected), "{x},{y}: {pixel:?}");
    }
}

#[test]
fn a_picture_is_known_by_its_content() {
    let cases: &[(&[u8], Result<Format, Refusal>)] = &[
        (&jpeg(64, 48), Ok(Format::Jpeg)),
        (
            &encoded(quarters(64, 48), ImageFormat::Png),
            Ok(Format::Png),
        ),
        (
            &encoded(quarters(64, 48), ImageFormat::WebP),
            Ok(Format::Webp),
        ),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Ok(Format::Heic)),
        (b"\0\0\0\x1Cftypmif1\0\0\0\0mif1miafheic", Ok(Format::Heif)),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", Ok(Format::Avif)),
        (b"GIF89a\x40\0\x30\0......", Ok(Format::Gif)),
        (b"II*\0............", Ok(Format::Tiff)),
        (
            b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
            Err(Refusal::NotAPicture),
        ),
        (
            b"This is a text, whatever its name.",
            Err(Refusal::NotAPicture),
        ),
        (b"", Err(Refusal::NotAPicture)),
        (b"\xFF\xD8", Err(Refusal::NotAPicture)),
        (b"\xFF\xD8\xFF\xD9", Err(Refusal::Unreadable(Format::Jpeg))),
    ];
    for (content, expected) in cases {
        assert_eq!(
            look(content).map(|picture| picture.format),
            *expected,
            "{:?}",
            &content[..content.len().min(24)]
        );
    }
}

#[test]
fn sizes_are_read_before_decoding() {
    assert_eq!(look(&jpeg(64, 48)).unwrap().size, Some((64, 48)));
    assert_eq!(
        look(&encoded(quarters(50, 70), ImageFormat::WebP))
            .unwrap()
            .size,
        Some((50, 70))
    );
    assert_eq!(
        look(&png_head(30_000, 30_000)),
        Err(Refusal::TooManyPixels {
            width: 30_000,
            height: 30_000,
            limit: FORTY_MEGAPIXELS
        })
    );
    assert_eq!(
        look(&png_head(8000, 5000)).unwrap().size,
        Some((8000, 5000))
    );
    assert_eq!(
        look(&png_head(0, 5000)),
        Err(Refusal::Unreadable(Format::Png))
    );
}

#[test]
fn a_picture_cut_off_anywhere_is_refused() {
    let jpeg = with_exif(
        &jpeg(64, 48),
        vec![(Tag::Orientation, Value::Short(vec![6]))],
    );
    for whole in [
        jpeg,
        encoded(quarters(64, 48), ImageFormat::Png),
        encoded(quarters(64, 48), ImageFormat::WebP),
    ] {
        assert!(look(&whole).is_ok());
        for length in 0..whole.len() - 4 {
            assert!(look(&whole[..length]).is_err(), "{length} bytes");
        }
    }
}

#[test]
fn what_phones_append_after_the_end_does_no_harm() {
    let mut content = jpeg(64, 48);
    content.extend(b"ftypmp42 a short film");
    assert_eq!(look(&content).unwrap().size, Some((64, 48)));
    assert!(render(&content, Format::Jpeg, 1).is_ok());
}

#[test]
fn exif_gives_turn_time_and_place() {
    let said = look(&with_exif(
        &jpeg(64, 48),
        vec![
            (Tag::Orientation, Value::Short(vec![6])),
            (Tag::DateTimeOriginal, text("2026:11:20 08:15:00")),
            (Tag::SubSecTimeOriginal, text("25")),
            (Tag::GPSLatitudeRef, text("N")),
            (Tag::GPSLatitude, degrees([(26, 1), (41, 1), (2400, 100)])),
            (Tag::GPSLongitudeRef, text("E")),
            (Tag::GPSLongitude, degrees([(101, 1), (51, 1), (0, 1)])),
        ],
    ))
    .unwrap();
    assert_eq!(said.orientation, 6);
    assert_eq!(
        said.taken_at,
        Some(
            DateTime::parse_from_rfc3339("2026-11-20T08:15:00.250+08:00")
                .unwrap()
                .to_utc()
        )
    );
    assert_eq!(said.position, Some((26.69, 101.85)));
}

#[test]
fn exif_may_name_its_own_offset() {
    let said = look(&with_exif(
        &jpeg(64, 48),
        vec![
            (Tag::DateTimeOriginal, text("2026:11:20 08:15:00")),
            (Tag::OffsetTimeOriginal, text("-03:30")),
        ],
    ))
    .unwrap();
    assert_eq!(
        said.taken_at.unwrap().to_rfc3339(),
        "2026-11-20T11:45:00+00:00"
    );
}

#[test]
fn malformed_exif_says_nothing_and_harms_nothing() {
    let whole = jpeg(64, 48);
    for content in [
        with_exif_bytes(&whole, b""),
        with_exif_bytes(&whole, b"II*\0\xFF\xFF\xFF\xFF"),
        with_exif_bytes(&whole, b"MM\0*\0\0\0\x08\xFF\xFFgarbage"),
        with_exif(
            &whole,
            vec![
                (Tag::Orientation, Value::Short(vec![9])),
                (Tag::DateTimeOriginal, text("0000:00:00 00:00:00")),
                (Tag::GPSLatitude, degrees([(1, 0), (0, 0), (0, 0)])),
                (Tag::GPSLongitude, degrees([(400, 1), (0, 1), (0, 1)])),
            ],
        ),
        with_exif(
            &whole,
            vec![
                (Tag::GPSLatitude, degrees([(0, 1), (0, 1), (0, 1)])),
                (Tag::GPSLongitude, degrees([(0, 1), (0, 1), (0, 1)])),
            ],
        ),
    ] {
        let said = look(&content).unwrap();
        assert_eq!(
            (said.orientation, said.taken_at, said.position),
            (1, None, None)
        );
        assert!(render(&content, said.format, said.orientation).is_ok());
    }
}

#[test]
fn all_eight_orientations_become_the_same_upright_picture() {
    for orientation in 1..=8 {
        // How the camera stored a scene that was upright.
        let inverse = match orientation {
            6 => 8,
            8 => 6,
            other => other,
        };
        let mut stored = DynamicImage::ImageRgb8(quarters(640, 480));
        stored.apply_orientation(Orientation::from_exif(inverse).unwrap());
        let content = encoded(stored.into_rgb8(), ImageFormat::Jpeg);
        let Renditions { preview, thumbnail } =
            render(&content, Format::Jpeg, orientation).unwrap();
        let (preview, thumbnail) = (picture(&preview), picture(&thumbnail));
        assert_eq!(preview.dimensions(), (640, 480), "{orientation}");
        assert_eq!(thumbnail.dimensions(), (320, 240), "{orientation}");
        assert_quarters(&preview);
        assert_quarters(&thumbnail);
    }
}

#[test]
fn a_small_picture_is_not_made_larger() {
    let copies = render(&jpeg(300, 100), Format::Jpeg, 1).unwrap();
    assert_eq!(picture(&copies.preview).dimensions(), (300, 100));
    assert_eq!(picture(&copies.thumbnail).dimensions(), (300, 100));
    let large = render(&jpeg(2000, 1500), Format::Jpeg, 6).unwrap();
    assert_eq!(picture(&large.preview).dimensions(), (1200, 1600));
    assert_eq!(picture(&large.thumbnail).dimensions(), (240, 320));
    let line = render(
        &encoded(quarters(20_000, 2), ImageFormat::Png),
        Format::Png,
        1,
    )
    .unwrap();
    assert_eq!(picture(&line.thumbnail).dimensions(), (320, 1));
}

#[test]
fn copies_carry_no_metadata() {
    let content = with_exif(
        &jpeg(800, 600),
        vec![(Tag::Make, text("A camera that tells its owner"))],
    );
    let copies = render(&content, Format::Jpeg, 1).unwrap();
    for copy in [copies.preview, copies.thumbnail] {
        let said = look(&copy).unwrap();
        assert_eq!((said.taken_at, said.position), (None, None));
        for private in [&b"Exif"[..], b"owner", b"http", b"ICC_PROFILE"] {
            assert!(!copy.windows(private.len()).any(|part| part == private));
        }
    }
}

#[test]
fn every_kind_of_pixel_is_shown() {
    let (width, height) = (400, 300);
    let flat = quarters(width, height);
    let mut cmyk = Vec::new();
    let inks: Vec<u8> = flat
        .pixels()
        .flat_map(|Rgb([red, green, blue])| [255 - red, 255 - green, 255 - blue, 0])
        .collect();
    jpeg_encoder::Encoder::new(&mut cmyk, 95)
        .encode(&inks, 400, 300, jpeg_encoder::ColorType::Cmyk)
        .unwrap();
    let deep: ImageBuffer<Rgba<u16>, Vec<u16>> = ImageBuffer::from_fn(width, height, |x, y| {
        let Rgb(channels) = *flat.get_pixel(x, y);
        let [red, green, blue] = channels.map(|channel| u16::from(channel) * 257);
        Rgba([red, green, blue, u16::MAX])
    });
    for (content, format) in [
        (cmyk, Format::Jpeg),
        (encoded(deep, ImageFormat::Png), Format::Png),
        (encoded(flat, ImageFormat::WebP), Format::Webp),
    ] {
        assert_eq!(look(&content).unwrap().format, format);
        assert_quarters(&picture(&render(&content, format, 1).unwrap().preview));
    }

    let grey = GrayImage::from_pixel(width, height, Luma([90]));
    for (content, format) in [
        (encoded(grey.clone(), ImageFormat::Jpeg), Format::Jpeg),
        (encoded(grey, ImageFormat::Png), Format::Png),
    ] {
        let copy = picture(&render(&content, format, 1).unwrap().preview);
        assert!(close(copy.get_pixel(200, 150), [90, 90, 90]));
    }

    let clear: ImageBuffer<Rgba<u8>, Vec<u8>> = ImageBuffer::from_fn(width, height, |x, _| {
        Rgba([200, 0, 0, if x < 200 { 0 } else { 255 }])
    });
    let copy = picture(
        &render(&encoded(clear, ImageFormat::Png), Format::Png, 1)
            .unwrap()
            .preview,
    );
    assert!(close(copy.get_pixel(100, 150), [255, 255, 255]));
    assert!(close(copy.get_pixel(300, 150), [200, 0, 0]));
}

#[test]
fn a_damaged_picture_is_told_as_damaged() {
    let mut png = encoded(quarters(400, 300), ImageFormat::Png);
    let data = png.windows(4).position(|part| part == b"IDAT").unwrap();
    png[data + 10] ^= 0x55;
    assert!(look(&png).is_ok());
    assert!(render(&png, Format::Png, 1).is_err());
    assert!(render(&png_head(100, 100), Format::Png, 1).is_err());
    let mut jpeg = jpeg(400, 300);
    let place = jpeg.len() * 3 / 4;
    // All ones: no Huffman code.
    jpeg.splice(place..place, [0xFF, 0].repeat(20));
    assert!(look(&jpeg).is_ok());
    assert!(render(&jpeg, Format::Jpeg, 1).is_err());
    assert!(render(b"", Format::Jpeg, 1).is_err());
    assert!(render(b"\0\0\0\x18ftypheic", Format::Heic, 1).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever bytes are changed in a picture, the result is accepted or refused; no panic
    /// escapes.
    #[test]
    fn scribbled_pictures_are_survived(
        which in 0_usize..3,
        scribbles in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        orientation in any::<u8>(),
    ) {
        let (mut content, format) = match which {
            0 => (with_exif(&jpeg(96, 64), vec![(Tag::DateTimeOriginal, text("2026:11:20 08:15:00"))]), Format::Jpeg),
            1 => (encoded(quarters(96, 64), ImageFormat::Png), Format::Png),
            _ => (encoded(quarters(96, 64), ImageFormat::WebP), Format::Webp),
        };
        for (place, byte) in scribbles {
            let place = place.index(content.len());
            content[place] = byte;
        }
        let told = look(&content);
        if let Ok(copies) = render(&content, format, orientation) {
            prop_assert!(look(&copies.thumbnail).is_ok());
        }
        if let Ok(told) = told {
            prop_assert!((1..=8).contains(&told.orientation));
        }
    }
}
