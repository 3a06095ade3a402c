//! Pictures for the demonstration: simple landscapes before and after the work.
//!
//! Owns the drawing. It uses whole numbers, so that every machine draws the same. It must not know reports
//! or photos.

use super::chance::Chance;

/// Width of every picture, in pixels.
const WIDTH: i32 = 960;
/// Height of every picture, in pixels.
const HEIGHT: i32 = 720;
/// Where sky and land meet.
const HORIZON: i32 = 300;
const QUALITY: u8 = 82;

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scene {
    /// A field where straw burns.
    Field,
    /// A roadside with rubbish.
    Rubbish,
    /// A river that carries something it should not.
    River,
    /// A works with a chimney.
    Works,
    /// A building site.
    Site,
    /// A yard with animals.
    Yard,
    /// A pond from which people drink.
    Pond,
    /// A wooded slope.
    Slope,
}

impl Scene {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Field,
        Self::Rubbish,
        Self::River,
        Self::Works,
        Self::Site,
        Self::Yard,
        Self::Pond,
        Self::Slope,
    ];
}

type Colour = [u8; 3];

const SMOKE: Colour = [118, 116, 114];
const ASH: Colour = [58, 54, 50];
const WALL: Colour = [196, 188, 172];
const ROOF: Colour = [132, 74, 60];
const LEAF: Colour = [62, 104, 52];
const EARTH: Colour = [142, 112, 78];

/// A place as it was found and as it was left, as JPEG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// As it was found.
    pub before: Vec<u8>,
    /// As it was left.
    pub after: Vec<u8>,
}

/// Draws a scene twice, before and after. Each `view` is another place on another day.
///
/// # Errors
/// If a picture cannot be encoded.
pub fn draw(scene: Scene, view: u8) -> Result<Pair, jpeg_encoder::EncodingError> {
    let kind = Scene::ALL.iter().take_while(|each| **each != scene).count();
    let seed = u64::try_from(kind).unwrap_or_default() * 1009 + u64::from(view) * 97;
    let mut before = Canvas::new();
    before.landscape(scene, &mut Chance::new(seed));
    let mut after = before.clone();
    // The same chance for both: only what was found there differs.
    before.finding(scene, false, &mut Chance::new(seed + 13));
    after.finding(scene, true, &mut Chance::new(seed + 13));
    Ok(Pair {
        before: before.encode()?,
        after: after.encode()?,
    })
}

/// The picture as it is drawn, row by row.
#[derive(Clone)]
struct Canvas {
    pixels: Vec<Colour>,
}

impl Canvas {
    fn new() -> Self {
        let count = usize::try_from(WIDTH * HEIGHT).unwrap_or_default();
        Self {
            pixels: vec![[0; 3]; count],
        }
    }

    fn encode(&self) -> Result<Vec<u8>, jpeg_encoder::EncodingError> {
        let mut jpeg = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, QUALITY);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_0);
        encoder.encode(
            self.pixels.as_flattened(),
            u16::try_from(WIDTH).unwrap_or_default(),
            u16::try_from(HEIGHT).unwrap_or_default(),
            jpeg_encoder::ColorType::Rgb,
        )?;
        Ok(jpeg)
    }

    /// The pixels of a row from one column up to another, as far as they lie in the picture.
    fn span(&mut self, row: i32, from: i32, to: i32) -> &mut [Colour] {
        let (from, to) = (from.clamp(0, WIDTH), to.clamp(0, WIDTH));
        if !(0..HEIGHT).contains(&row) || from >= to {
            return &mut [];
        }
        let at = |column: i32| usize::try_from(row * WIDTH + column).unwrap_or_default();
        self.pixels.get_mut(at(from)..at(to)).unwrap_or_default()
    }

    fn rectangle(&mut self, left: i32, top: i32, right: i32, bottom: i32, colour: Colour) {
        for row in top..bottom {
            self.span(row, left, right).fill(colour);
        }
    }

    /// Rows from `top` to `bottom` that turn from one colour into another.
    fn shade(&mut self, top: i32, bottom: i32, from: Colour, to: Colour) {
        for row in top..bottom {
            let share = (row - top) * 100 / (bottom - top).max(1);
            self.span(row, 0, WIDTH).fill(mix(from, to, share));
        }
    }

    /// A disc, flattened to a share of its height; `cover` is how much of what lies behind it hides.
    fn blob(&mut self, (x, y): (i32, i32), radius: i32, flat: i32, colour: Colour, cover: i32) {
        let height = (radius * flat / 100).max(1);
        for row in -height..=height {
            let half = root(radius * radius - (row * radius / height).pow(2));
            let pixels = self.span(y + row, x - half, x + half);
            if cover >= 100 {
                pixels.fill(colour);
            } else {
                pixels
                    .iter_mut()
                    .for_each(|pixel| *pixel = mix(*pixel, colour, cover));
            }
        }
    }

    /// A ridge of hills down to the horizon, in steps of a few columns.
    fn ridge(&mut self, height: i32, colour: Colour, chance: &mut Chance) {
        const STEP: i32 = 3;
        let mut top = HORIZON - height;
        let mut slope = 0;
        for column in (0..WIDTH).step_by(3) {
            if column % 24 == 0 {
                let home = (HORIZON - height - top) / 12;
                slope = chance.between(-3, 3) + home;
            }
            top = (top + slope).clamp(HORIZON - 2 * height, HORIZON - 8);
            self.rectangle(column, top, column + STEP, HORIZON, colour);
        }
    }

    fn tree(&mut self, x: i32, y: i32, size: i32, colour: Colour) {
        self.rectangle(x - size / 10, y - size, x + size / 10 + 1, y, [92, 70, 48]);
        self.blob((x, y - size), size / 2, 110, colour, 100);
        self.blob(
            (x - size / 5, y - size),
            size / 4,
            100,
            mix(colour, [255; 3], 12),
            60,
        );
    }

    fn house(&mut self, x: i32, y: i32, size: i32) {
        self.rectangle(x, y - size, x + size * 2, y, WALL);
        for step in 0..size / 2 {
            self.span(y - size - step, x - 10 + step, x + size * 2 + 10 - step)
                .fill(ROOF);
        }
        self.rectangle(
            x + size / 3,
            y - size / 2,
            x + size * 2 / 3,
            y,
            [84, 66, 50],
        );
    }

    /// A band of water or road that widens toward the viewer.
    fn band(&mut self, from: i32, to: i32, widths: (i32, i32), far: Colour, near: Colour) {
        for row in HORIZON..HEIGHT {
            let share = (row - HORIZON) * 100 / (HEIGHT - HORIZON);
            let middle = from + (to - from) * share / 100 + (share * (100 - share)) / 40;
            let half = (widths.0 + (widths.1 - widths.0) * share / 100) / 2;
            self.span(row, middle - half, middle + half)
                .fill(mix(far, near, share));
        }
    }

    fn smoke(&mut self, x: i32, y: i32, puffs: i32, colour: Colour, chance: &mut Chance) {
        for puff in 0..puffs {
            let at = (
                x + puff * 7 + chance.between(-14, 14),
                y - puff * 11 + chance.between(-6, 6),
            );
            self.blob(at, 14 + puff * 2, 85, colour, (46 - puff).max(10));
        }
    }

    /// What stays as it is.
    fn landscape(&mut self, scene: Scene, chance: &mut Chance) {
        let cloud = chance.between(0, 60);
        let high = mix([86, 142, 206], [150, 156, 164], cloud);
        let low = mix([204, 224, 238], [206, 206, 204], cloud);
        self.shade(0, HORIZON, high, low);
        for _ in 0..chance.between(3, 7) {
            let at = (chance.between(0, WIDTH), chance.between(20, 150));
            let size = chance.between(40, 110);
            self.blob(at, size, 22, [250, 250, 250], 50);
        }
        let far = chance.between(70, 110);
        self.ridge(far, mix(low, [92, 118, 128], 70), chance);
        self.ridge(far / 2, [92, 122, 92], chance);
        let (meadow, near) = match scene {
            Scene::Field => ([176, 158, 92], [196, 168, 96]),
            Scene::Site | Scene::Works => ([164, 152, 128], [138, 124, 102]),
            Scene::Yard => ([150, 138, 98], [126, 108, 76]),
            _ => ([122, 150, 82], [92, 124, 60]),
        };
        self.shade(HORIZON, HEIGHT, meadow, near);
        match scene {
            Scene::Field => {
                for furrow in -10..24 {
                    let slant = (furrow - 7) * 9;
                    for row in HORIZON..HEIGHT {
                        let depth = row - HORIZON;
                        let column = furrow * 64 + slant * depth / 60;
                        self.span(row, column, column + 2 + depth / 90)
                            .fill([150, 126, 70]);
                    }
                }
            }
            Scene::Rubbish => self.band(600, 240, (24, 380), [150, 148, 144], [118, 116, 112]),
            Scene::Works => {
                self.rectangle(250, 190, 640, 400, [158, 162, 168]);
                self.rectangle(250, 176, 640, 192, [96, 104, 116]);
                self.rectangle(520, 110, 556, 200, [150, 96, 84]);
                for window in 0..5 {
                    let left = 280 + window * 70;
                    self.rectangle(left, 240, left + 40, 280, [84, 104, 122]);
                }
                self.band(700, 520, (30, 300), [166, 160, 150], [140, 134, 124]);
            }
            Scene::Yard => {
                self.house(120, 380, 90);
                self.rectangle(420, 250, 880, 380, [170, 150, 120]);
                for post in 0..13 {
                    let left = 60 + post * 70;
                    self.rectangle(left, 420, left + 8, 500, [112, 84, 58]);
                }
                self.rectangle(40, 436, 920, 444, [112, 84, 58]);
            }
            Scene::Slope => {
                for row in 0..7 {
                    for column in 0..12 {
                        let size = 34 + row * 9;
                        let x = column * 88 + chance.between(-24, 24);
                        self.tree(
                            x,
                            330 + row * 58,
                            size,
                            mix(LEAF, [120, 140, 60], chance.between(0, 40)),
                        );
                    }
                }
            }
            Scene::River | Scene::Pond | Scene::Site => {
                for _ in 0..6 {
                    let at = (
                        chance.between(0, WIDTH),
                        chance.between(HORIZON + 10, HORIZON + 50),
                    );
                    self.tree(at.0, at.1, chance.between(30, 60), LEAF);
                }
                if chance.percent(60) {
                    self.house(
                        chance.between(40, 800),
                        HORIZON + 40,
                        chance.between(24, 44),
                    );
                }
            }
        }
    }

    /// What was found, or what it looks like once it was put right.
    fn finding(&mut self, scene: Scene, after: bool, chance: &mut Chance) {
        let x = chance.between(300, 560);
        match (scene, after) {
            (Scene::Field, false) => {
                for _ in 0..9 {
                    let at = (x + chance.between(-130, 130), chance.between(430, 520));
                    self.blob(at, chance.between(26, 60), 34, ASH, 85);
                    self.blob((at.0, at.1 - 8), 13, 150, [238, 132, 36], 85);
                    self.blob((at.0, at.1 - 4), 7, 150, [252, 214, 96], 90);
                }
                self.smoke(x, 430, 34, SMOKE, chance);
            }
            (Scene::Field, true) => {
                for _ in 0..9 {
                    let at = (x + chance.between(-130, 130), chance.between(430, 520));
                    self.blob(at, chance.between(26, 60), 30, [128, 104, 72], 70);
                }
            }
            (Scene::Rubbish, false) => {
                for _ in 0..70 {
                    let at = (x + chance.between(-170, 170), chance.between(470, 590));
                    let colour = [
                        [226, 226, 222],
                        [64, 96, 150],
                        [176, 60, 54],
                        [60, 60, 64],
                        [206, 180, 90],
                    ];
                    let colour = chance.pick(&colour).copied().unwrap_or(ASH);
                    self.blob(at, chance.between(9, 30), 70, colour, 92);
                }
            }
            (Scene::Rubbish, true) => {
                self.blob((x, 540), 170, 32, mix(EARTH, [110, 140, 70], 50), 80);
                self.rectangle(x + 150, 450, x + 154, 560, [110, 110, 110]);
                self.rectangle(x + 110, 420, x + 200, 470, [44, 96, 160]);
            }
            (Scene::River, after) => {
                let (far, near) = if after {
                    ([132, 172, 190], [86, 138, 156])
                } else {
                    ([134, 128, 106], [96, 84, 62])
                };
                self.band(x, x - 120, (26, 520), far, near);
                for _ in 0..if after { 8 } else { 46 } {
                    let at = (x - 60 + chance.between(-120, 120), chance.between(440, 690));
                    let colour = if after {
                        [190, 214, 222]
                    } else {
                        [216, 212, 198]
                    };
                    self.blob(at, chance.between(6, 26), 26, colour, 70);
                }
                self.rectangle(x + 150, 430, x + 300, 456, [104, 104, 106]);
                if !after {
                    self.blob((x + 146, 470), 34, 120, [70, 60, 44], 85);
                }
            }
            (Scene::Works, false) => {
                self.smoke(538, 114, 30, [84, 82, 80], chance);
                self.blob((x, 560), 150, 26, [88, 84, 72], 75);
            }
            (Scene::Works, true) => {
                self.smoke(538, 114, 5, [230, 232, 234], chance);
                self.rectangle(600, 300, 690, 400, [82, 132, 104]);
            }
            (Scene::Site, false) => {
                self.blob((x, 500), 190, 60, [176, 150, 112], 100);
                self.blob((x + 190, 520), 120, 55, [164, 138, 100], 100);
                for _ in 0..22 {
                    let at = (x + chance.between(-260, 300), chance.between(330, 470));
                    self.blob(at, chance.between(30, 80), 60, [206, 190, 160], 26);
                }
            }
            (Scene::Site, true) => {
                self.blob((x, 500), 190, 60, [64, 122, 84], 100);
                self.blob((x + 190, 520), 120, 55, [58, 112, 78], 100);
                for line in 0..9 {
                    self.rectangle(
                        x - 180 + line * 44,
                        400,
                        x - 178 + line * 44,
                        560,
                        [48, 96, 66],
                    );
                }
            }
            (Scene::Yard, after) => {
                if !after {
                    self.blob((x, 600), 240, 30, [82, 66, 40], 90);
                    self.blob((x - 40, 590), 110, 26, [104, 88, 50], 80);
                }
                for _ in 0..6 {
                    let at = (chance.between(460, 860), chance.between(390, 420));
                    self.blob(at, 22, 62, [222, 190, 178], 100);
                    self.blob((at.0 + 20, at.1 - 8), 10, 90, [222, 190, 178], 100);
                }
            }
            (Scene::Pond, after) => {
                let water = if after {
                    [96, 150, 172]
                } else {
                    [112, 140, 110]
                };
                self.blob((480, 530), 400, 34, mix(EARTH, water, 30), 100);
                self.blob((480, 534), 380, 33, water, 100);
                for _ in 0..if after { 0 } else { 34 } {
                    let at = (
                        480 + chance.between(-280, 280),
                        530 + chance.between(-80, 80),
                    );
                    let colour = [[124, 158, 66], [232, 232, 226], [176, 72, 60]];
                    let colour = chance.pick(&colour).copied().unwrap_or(LEAF);
                    self.blob(at, chance.between(5, 22), 50, colour, 80);
                }
                self.rectangle(120, 400, 126, 520, [120, 120, 120]);
                self.rectangle(90, 380, 190, 430, [40, 90, 170]);
            }
            (Scene::Slope, after) => {
                let bare = if after { [132, 150, 84] } else { EARTH };
                self.blob((x, 520), 200, 45, bare, 96);
                for _ in 0..26 {
                    let at = (x + chance.between(-150, 150), chance.between(470, 580));
                    if after {
                        self.tree(at.0, at.1, 22, [96, 148, 70]);
                    } else {
                        self.blob(at, 8, 60, [196, 164, 116], 100);
                    }
                }
            }
        }
    }
}

/// `share` percent of `other` in `one`.
fn mix(one: Colour, other: Colour, share: i32) -> Colour {
    let share = share.clamp(0, 100);
    let mut mixed = one;
    for (into, from) in mixed.iter_mut().zip(other) {
        let value = (i32::from(*into) * (100 - share) + i32::from(from) * share) / 100;
        *into = u8::try_from(value).unwrap_or(u8::MAX);
    }
    mixed
}

/// The whole part of a square root.
fn root(square: i32) -> i32 {
    i32::try_from(square.max(0).unsigned_abs().isqrt()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Scene, draw};
    use gridpatrol_reports::photos::digest::Digest;
    use gridpatrol_reports::photos::imaging;

    #[test]
    fn each_scene_is_a_picture_of_its_own_and_always_the_same() {
        let mut seen = std::collections::HashSet::new();
        for scene in Scene::ALL {
            for view in 0..2 {
                let pair = draw(scene, view).unwrap();
                assert!(seen.insert(Digest::of(&pair.before)), "{scene:?} {view}");
                assert!(seen.insert(Digest::of(&pair.after)), "{scene:?} {view}");
            }
        }
        let jpeg = draw(Scene::Field, 0).unwrap().before;
        assert!(seen.contains(&Digest::of(&jpeg)));
        let picture = imaging::inspect(&mut std::io::Cursor::new(&jpeg), 1_000_000)
            .unwrap()
            .unwrap();
        assert_eq!(picture.size, Some((960, 720)));
    }
}
