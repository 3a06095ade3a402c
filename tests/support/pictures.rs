//! Real pictures, made when a test needs them.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

/// A JPEG of this size that differs with the seed.
pub fn jpeg(width: u32, height: u32, seed: u8) -> Vec<u8> {
    encoded(&painted(width, height, seed), ImageFormat::Jpeg)
}

/// A PNG of this size that differs with the seed.
pub fn png(width: u32, height: u32, seed: u8) -> Vec<u8> {
    encoded(&painted(width, height, seed), ImageFormat::Png)
}

/// A small JPEG, different each time it is made.
pub fn snapshot() -> Vec<u8> {
    let [seed, shade, ..] = *uuid::Uuid::new_v4().as_bytes();
    let mut picture = jpeg(32, 24, seed);
    // A comment segment right behind the start makes the bytes unique, not the picture.
    let mark = uuid::Uuid::new_v4();
    let mut comment = vec![0xff, 0xfe, 0, 19, shade];
    comment.extend(mark.as_bytes());
    picture.splice(2..2, comment);
    picture
}

fn painted(width: u32, height: u32, seed: u8) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave =
            |by: u32| u8::try_from((x * by + y * 3 + u32::from(seed) * 7) % 256).unwrap_or(0);
        Rgb([wave(1), wave(5), seed])
    })
}

fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

/// A sound PNG of one colour and of this many pixels each way, however many that are: rows of zeros,
/// which deflate writes as one repetition after another.
pub fn vast_png(side: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [side.to_be_bytes(), side.to_be_bytes()].concat();
    header.extend([1, 0, 0, 0, 0]); // one bit of grey a pixel
    chunk(&mut png, b"IHDR", &header);
    let row = 1 + usize::try_from(side).expect("a side").div_ceil(8);
    chunk(
        &mut png,
        b"IDAT",
        &zeros(row * usize::try_from(side).expect("a side")),
    );
    chunk(&mut png, b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).expect("a length").to_be_bytes());
    let body = [kind.as_slice(), data].concat();
    png.extend(&body);
    png.extend(crc32(&body).to_be_bytes());
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc: u32, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// This many zeros as a zlib stream: one block of fixed codes.
fn zeros(count: usize) -> Vec<u8> {
    let mut stream = Bits::default();
    stream.put(0b1, 1); // the last block
    stream.put(0b01, 2); // fixed codes
    stream.put_code(0x30, 8); // one zero …
    let mut left = count - 1;
    while left >= 258 {
        stream.put_code(0b1100_0101, 8); // … repeated 258 times,
        stream.put_code(0, 5); // from one byte back
        left -= 258;
    }
    for _ in 0..left {
        stream.put_code(0x30, 8);
    }
    stream.put_code(0, 7); // the end
    let mut zlib = vec![0x78, 0x01];
    zlib.extend(stream.bytes);
    let sum = u32::try_from(count % 65_521).expect("a remainder") << 16 | 1;
    zlib.extend(sum.to_be_bytes());
    zlib
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    /// Puts the lowest bits first.
    fn put(&mut self, bits: u32, count: u32) {
        for at in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().expect("a byte");
            *last |= u8::from(bits >> at & 1 == 1) << self.used;
            self.used = (self.used + 1) % 8;
        }
    }

    /// Puts a Huffman code, whose highest bit comes first.
    fn put_code(&mut self, code: u32, count: u32) {
        for at in (0..count).rev() {
            self.put(code >> at & 1, 1);
        }
    }
}

#[test]
fn a_vast_png_is_a_sound_png() {
    let small = image::load_from_memory(&vast_png(1000)).expect("a picture");
    assert_eq!((small.width(), small.height()), (1000, 1000));
}
