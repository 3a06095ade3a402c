//! Finds the format of some bytes, the size of the picture, and whether the file is complete.
//!
//! Owns reading headers and markers. It must not decode anything.

use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom};

use super::{Format, Refusal};

/// How many bytes from the start the format check needs.
const HEAD: u64 = 4096;

/// Finds the format from the first bytes.
pub(super) fn sniff<R: BufRead + Seek>(reader: &mut R) -> io::Result<Option<Format>> {
    reader.rewind()?;
    let mut head = Vec::new();
    reader.by_ref().take(HEAD).read_to_end(&mut head)?;
    let at = |range: std::ops::Range<usize>| head.get(range).unwrap_or_default();
    Ok(if at(0..3) == b"\xFF\xD8\xFF" {
        Some(Format::Jpeg)
    } else if at(0..8) == b"\x89PNG\r\n\x1A\n" {
        Some(Format::Png)
    } else if at(0..4) == b"RIFF" && at(8..12) == b"WEBP" {
        Some(Format::Webp)
    } else if at(0..6) == b"GIF87a" || at(0..6) == b"GIF89a" {
        Some(Format::Gif)
    } else if at(0..4) == b"II*\0" || at(0..4) == b"MM\0*" {
        Some(Format::Tiff)
    } else if at(4..8) == b"ftyp" {
        brand(&head)
    } else {
        None
    })
}

/// The format of an ISO base media file, from its major brand, otherwise from its compatible
/// brands. A video has other brands and is not accepted.
fn brand(head: &[u8]) -> Option<Format> {
    let length = usize::try_from(u32::from_be_bytes(head.first_chunk().copied()?)).ok()?;
    let brands = head.get(8..length.min(head.len()))?;
    let minor_version = 1;
    brands
        .chunks_exact(4)
        .enumerate()
        .filter(|(index, _)| *index != minor_version)
        .find_map(|(_, brand)| match brand {
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
                Some(Format::Heic)
            }
            b"avif" | b"avis" => Some(Format::Avif),
            b"mif1" | b"msf1" | b"mif2" | b"miaf" => Some(Format::Heif),
            _ => None,
        })
}

/// Width and height, if the header of the format has them. Checks first that the picture is
/// complete.
pub(super) fn measure<R: BufRead + Seek>(
    reader: &mut R,
    format: Format,
) -> io::Result<Result<Option<(u32, u32)>, Refusal>> {
    let length = reader.seek(SeekFrom::End(0))?;
    reader.rewind()?;
    let measured = match format {
        Format::Jpeg => jpeg(reader),
        Format::Png => png(reader, length),
        Format::Webp => webp(reader, length),
        Format::Gif => gif(reader),
        Format::Heic | Format::Heif | Format::Avif | Format::Tiff => return Ok(Ok(None)),
    };
    Ok(match measured {
        Ok((width, height)) if width > 0 && height > 0 => Ok(Some((width, height))),
        Ok(_) | Err(Unmeasured::Unreadable) => Err(Refusal::Unreadable(format)),
        Err(Unmeasured::CutOff) => Err(Refusal::CutOff(format)),
        Err(Unmeasured::Reader(error)) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(Refusal::CutOff(format))
        }
        Err(Unmeasured::Reader(error)) => return Err(error),
    })
}

/// Why a picture could not be measured.
enum Unmeasured {
    Unreadable,
    CutOff,
    Reader(io::Error),
}

impl From<io::Error> for Unmeasured {
    fn from(error: io::Error) -> Self {
        Self::Reader(error)
    }
}

fn read<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads the segments up to the frame header and the first scan, then looks for the end marker,
/// which cannot occur inside coded data.
fn jpeg<R: BufRead + Seek>(reader: &mut R) -> Result<(u32, u32), Unmeasured> {
    let mut size = None;
    reader.seek(SeekFrom::Start(2))?;
    loop {
        let mut byte = 0;
        while byte != 0xFF {
            [byte] = read(reader)?;
        }
        while byte == 0xFF {
            [byte] = read(reader)?;
        }
        match byte {
            // Markers without a segment, and bytes that only looked like a marker.
            0x00 | 0x01 | 0xD0..=0xD8 => continue,
            // The end, without a picture before it.
            0xD9 => return Err(Unmeasured::Unreadable),
            _ => {}
        }
        let length = u16::from_be_bytes(read(reader)?);
        let body = length.checked_sub(2).ok_or(Unmeasured::Unreadable)?;
        match byte {
            // A frame header; 0xC4, 0xC8 and 0xCC are not.
            0xC0..=0xCF if !matches!(byte, 0xC4 | 0xC8 | 0xCC) => {
                let [_precision, h1, h0, w1, w0] = read(reader)?;
                let rest = body.checked_sub(5).ok_or(Unmeasured::Unreadable)?;
                reader.seek_relative(i64::from(rest))?;
                size.get_or_insert((
                    u32::from(u16::from_be_bytes([w1, w0])),
                    u32::from(u16::from_be_bytes([h1, h0])),
                ));
            }
            // The first scan.
            0xDA => {
                let size = size.ok_or(Unmeasured::Unreadable)?;
                return if ends_jpeg(reader)? {
                    Ok(size)
                } else {
                    Err(Unmeasured::CutOff)
                };
            }
            _ => reader.seek_relative(i64::from(body))?,
        }
    }
}

/// Whether the end marker follows.
fn ends_jpeg<R: BufRead>(reader: &mut R) -> io::Result<bool> {
    let mut after_mark = false;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(false);
        }
        if after_mark && chunk.first() == Some(&0xD9) {
            return Ok(true);
        }
        if chunk.windows(2).any(|pair| pair == [0xFF, 0xD9]) {
            return Ok(true);
        }
        after_mark = chunk.last() == Some(&0xFF);
        let length = chunk.len();
        reader.consume(length);
    }
}

/// Reads the header chunk, then the frame of each chunk up to the end chunk.
fn png<R: BufRead + Seek>(reader: &mut R, length: u64) -> Result<(u32, u32), Unmeasured> {
    let mut size = None;
    let mut position = 8;
    loop {
        reader.seek(SeekFrom::Start(position))?;
        let chunk_length = u64::from(u32::from_be_bytes(read(reader)?));
        let kind: [u8; 4] = read(reader)?;
        // The length, type and checksum around the content.
        position += chunk_length + 12;
        match (&kind, size) {
            (b"IHDR", None) => {
                let width = u32::from_be_bytes(read(reader)?);
                size = Some((width, u32::from_be_bytes(read(reader)?)));
            }
            (_, None) => return Err(Unmeasured::Unreadable),
            (b"IEND", Some(size)) => return Ok(size),
            (_, Some(_)) if position > length => return Err(Unmeasured::CutOff),
            (_, Some(_)) => {}
        }
    }
}

fn webp<R: BufRead + Seek>(reader: &mut R, length: u64) -> Result<(u32, u32), Unmeasured> {
    let [_, _, _, _, a, b, c, d] = read(reader)?;
    if u64::from(u32::from_le_bytes([a, b, c, d])) + 8 > length {
        return Err(Unmeasured::CutOff);
    }
    reader.rewind()?;
    image::ImageReader::with_format(reader, image::ImageFormat::WebP)
        .into_dimensions()
        .map_err(|_| Unmeasured::Unreadable)
}

fn gif(reader: &mut impl Read) -> Result<(u32, u32), Unmeasured> {
    let [.., w0, w1, h0, h1] = read::<10>(reader)?;
    Ok((
        u32::from(u16::from_le_bytes([w0, w1])),
        u32::from(u16::from_le_bytes([h0, h1])),
    ))
}
