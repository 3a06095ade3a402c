//! Making the two smaller copies of a photo: processor time of one thread, from bytes to bytes.

use std::time::{Duration, Instant};

use gridpatrol_reports::photos::imaging::{Format, render};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::figures::{Line, Measured, Table};
use crate::{Fallible, Settings, process};

const WIDTH: u16 = 4000;
const HEIGHT: u16 = 3000;

/// Measures it on a picture of 12 megapixels.
pub fn measure(settings: &Settings, table: &mut Table) -> Fallible<()> {
    let picture = picture()?;
    let copies = render(&picture, Format::Jpeg, 6)?;
    let (begun, before) = (Instant::now(), process::cpu(None));
    let mut took = Vec::new();
    while begun.elapsed() < settings.seconds {
        let start = Instant::now();
        render(&picture, Format::Jpeg, 6)?;
        took.push(start.elapsed());
    }
    let used = process::cpu(None)
        .zip(before)
        .map(|(after, before)| after.saturating_sub(before));
    let count = u32::try_from(took.len())?;
    table.add(Line {
        work: "preview and thumbnail of 12 megapixels".to_owned(),
        connections: None,
        measured: Measured::of(took, begun.elapsed()),
        beside: None,
    });
    let each = used.map_or_else(
        || "unknown".to_owned(),
        |used: Duration| format!("{:.0} ms", used.as_secs_f64() * 1000.0 / f64::from(count)),
    );
    table.fact("processor time for both copies", each);
    table.fact(
        "bytes",
        format!(
            "original {}, preview {}, thumbnail {}",
            picture.len(),
            copies.preview.len(),
            copies.thumbnail.len()
        ),
    );
    Ok(())
}

/// A JPEG as a phone makes them: 4:2:0, with shapes, slopes and grain.
pub fn picture() -> Fallible<Vec<u8>> {
    let mut pixels = Vec::with_capacity(usize::from(WIDTH) * usize::from(HEIGHT) * 3);
    let mut grain = 0x2545_F491_u32;
    for y in 0..u32::from(HEIGHT) {
        for x in 0..u32::from(WIDTH) {
            grain ^= grain << 13;
            grain ^= grain >> 17;
            grain ^= grain << 5;
            let noise = grain % 24;
            let shape = if (x / 160 + y / 120) % 3 == 0 { 70 } else { 0 };
            for value in [
                x / 24 + noise,
                y / 20 + noise + shape,
                (x + y) / 48 + shape + noise,
            ] {
                pixels.push(u8::try_from(value.min(255))?);
            }
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(&pixels, WIDTH, HEIGHT, ColorType::Rgb)?;
    Ok(bytes)
}
