/// A picture as encoders take it: I420, BT.601, limited range, with even width and height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    size: (usize, usize),
    /// Brightness, blueness, redness; the latter two at half the size.
    planes: [Vec<u8>; 3],
}

impl Picture {
    /// Of planes that have been made for this size; an odd last row or column has been left out.
    pub(crate) fn new(size: (usize, usize), planes: [Vec<u8>; 3]) -> Self {
        debug_assert_eq!(
            planes.each_ref().map(Vec::len),
            [1, 4, 4].map(|part| size.0 * size.1 / part)
        );
        Self { size, planes }
    }

    /// Width and height in pixels, both even.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Brightness, blueness and redness; the latter two have half the width and half the height.
    pub fn planes(&self) -> [&[u8]; 3] {
        self.planes.each_ref().map(Vec::as_slice)
    }

    /// As it is, or made smaller in its own proportions so that it fits into `most` pixels across and down.
    pub(crate) fn fit(self, most: (u16, u16)) -> Self {
        let (width, height) = self.size;
        let (across, down) = (usize::from(most.0.max(2)), usize::from(most.1.max(2)));
        if width <= across && height <= down {
            return self;
        }
        let even = |length: usize| (length & !1).max(2);
        let size = match width * down > height * across {
            true => (even(across), even(height * across / width)),
            false => (even(width * down / height), even(down)),
        };
        let half = |(width, height): (usize, usize)| (width / 2, height / 2);
        let [y, u, v] = &self.planes;
        let color = |plane| shrink(plane, half(self.size), half(size));
        Self::new(size, [shrink(y, self.size, size), color(u), color(v)])
    }
}

/// Each pixel is the mean of those that it stands for.
fn shrink(plane: &[u8], from: (usize, usize), to: (usize, usize)) -> Vec<u8> {
    let range = |at: usize, from: usize, to: usize| {
        let start = at * from / to;
        start..((at + 1) * from / to).max(start + 1)
    };
    let columns: Vec<_> = (0..to.0).map(|x| range(x, from.0, to.0)).collect();
    let mut small = Vec::with_capacity(to.0 * to.1);
    for rows in (0..to.1).map(|y| range(y, from.1, to.1)) {
        for columns in &columns {
            let lines = rows.clone().map(|row| &plane[row * from.0..][columns.clone()]);
            let sum: usize = lines.flatten().map(|&pixel| usize::from(pixel)).sum();
            small.push((sum / (rows.len() * columns.len())) as u8);
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_picture_is_made_smaller_in_its_proportions_and_a_small_one_left_alone() {
        let gray = |width: usize, height: usize| {
            let plane = |share| vec![77; width * height / share];
            Picture::new((width, height), [plane(1), plane(4), plane(4)])
        };
        for (from, most, to) in [
            ((640, 360), (1920, 1080), (640, 360)),
            ((3840, 2160), (1920, 1080), (1920, 1080)),
            ((2560, 1600), (1920, 1080), (1728, 1080)),
            ((1080, 1920), (1920, 1080), (606, 1080)),
            ((1000, 2), (100, 100), (100, 2)),
        ] {
            let small = gray(from.0, from.1).fit(most);
            assert_eq!(small.size(), to, "{from:?} into {most:?}");
            assert!(
                small
                    .planes()
                    .iter()
                    .all(|plane| plane.iter().all(|&pixel| pixel == 77))
            );
        }
    }

    #[test]
    fn a_pixel_is_the_mean_of_those_that_it_stands_for() {
        assert_eq!(shrink(&[0, 100, 50, 50, 200, 100, 50, 50], (4, 2), (2, 1)), [100, 50]);
    }
}
