use super::{Picture, PixelFormat, RawPicture};

impl From<&RawPicture> for Picture {
    /// An odd last row or column is left out.
    fn from(raw: &RawPicture) -> Self {
        let (data, width) = (raw.data(), raw.size().0);
        match raw.format() {
            PixelFormat::Rgba => of_pixels(raw, |at| [data[4 * at], data[4 * at + 1], data[4 * at + 2]]),
            PixelFormat::Rgb => of_pixels(raw, |at| [data[3 * at], data[3 * at + 1], data[3 * at + 2]]),
            PixelFormat::Bgr => of_pixels(raw, |at| [data[3 * at + 2], data[3 * at + 1], data[3 * at]]),
            PixelFormat::Gray => of_pixels(raw, |at| [data[at]; 3]),
            PixelFormat::Yuyv => {
                let stride = 2 * width.next_multiple_of(2);
                let color = |x: usize, y: usize, which: usize| {
                    let [upper, lower] = [2 * y, 2 * y + 1].map(|row| u16::from(data[row * stride + 4 * x + which]));
                    ((upper + lower) / 2) as u8
                };
                of_planes(
                    raw,
                    |x, y| data[y * stride + 2 * x],
                    |x, y| color(x, y, 1),
                    |x, y| color(x, y, 3),
                )
            }
            PixelFormat::Nv12 => {
                let (stride, start) = (2 * width.div_ceil(2), width * raw.size().1);
                let color = |x: usize, y: usize, which: usize| data[start + y * stride + 2 * x + which];
                of_planes(
                    raw,
                    |x, y| data[y * width + x],
                    |x, y| color(x, y, 0),
                    |x, y| color(x, y, 1),
                )
            }
        }
    }
}

fn even(raw: &RawPicture) -> (usize, usize) {
    let (width, height) = raw.size();
    (width & !1, height & !1)
}

/// Of red, green and blue at each place, by BT.601 in eighths of bits (limited range).
fn of_pixels(raw: &RawPicture, pixel: impl Fn(usize) -> [u8; 3]) -> Picture {
    let stride = raw.size().0;
    let at = |x: usize, y: usize| pixel(y * stride + x).map(i32::from);
    let bright = |x, y| {
        let [r, g, b] = at(x, y);
        (((66 * r + 129 * g + 25 * b + 128) >> 8) + 16) as u8
    };
    let color = |x: usize, y: usize, weights: [i32; 3]| {
        let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(right, down)| at(2 * x + right, 2 * y + down));
        let sum: i32 = four
            .iter()
            .flat_map(|pixel| pixel.iter().zip(weights))
            .map(|(part, weight)| part * weight)
            .sum();
        (((sum + 512) >> 10) + 128) as u8
    };
    of_planes(
        raw,
        bright,
        |x, y| color(x, y, [-38, -74, 112]),
        |x, y| color(x, y, [112, -94, -18]),
    )
}

fn of_planes(
    raw: &RawPicture,
    y: impl Fn(usize, usize) -> u8,
    u: impl Fn(usize, usize) -> u8,
    v: impl Fn(usize, usize) -> u8,
) -> Picture {
    let (width, height) = even(raw);
    Picture::new(
        (width, height),
        [
            plane(width, height, y),
            plane(width / 2, height / 2, u),
            plane(width / 2, height / 2, v),
        ],
    )
}

fn plane(width: usize, height: usize, pixel: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let pixel = &pixel;
    (0..height).flat_map(|y| (0..width).map(move |x| pixel(x, y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(raw: &RawPicture) -> [u8; 3] {
        Picture::from(raw).planes().map(|plane| plane[0])
    }

    #[test]
    fn colors_are_those_of_bt_601_whatever_the_order_of_their_bytes() {
        // ITU-R BT.601-7, with 8 bits: the colour bars of the full scale.
        for ([r, g, b], yuv) in [
            ([255, 255, 255], [235, 128, 128]),
            ([0, 0, 0], [16, 128, 128]),
            ([255, 0, 0], [82, 90, 240]),
            ([0, 255, 0], [144, 54, 34]),
            ([0, 0, 255], [41, 240, 110]),
        ] {
            let raw = |format, pixel: &[u8]| RawPicture::new((2, 2), format, pixel.repeat(4)).unwrap();
            assert_eq!(first(&raw(PixelFormat::Rgba, &[r, g, b, 9])), yuv);
            assert_eq!(first(&raw(PixelFormat::Rgb, &[r, g, b])), yuv);
            assert_eq!(first(&raw(PixelFormat::Bgr, &[b, g, r])), yuv);
        }
    }

    #[test]
    fn what_is_yuv_already_only_moves() {
        let yuyv = [10, 90, 20, 240, 30, 92, 40, 242];
        let picture = Picture::from(&RawPicture::new((2, 2), PixelFormat::Yuyv, yuyv.into()).unwrap());
        assert_eq!(picture.planes(), [&[10, 20, 30, 40][..], &[91], &[241]]);
        let nv12 = [10, 20, 30, 40, 91, 241];
        let same = Picture::from(&RawPicture::new((2, 2), PixelFormat::Nv12, nv12.into()).unwrap());
        assert_eq!(same, picture);
    }

    #[test]
    fn odd_sizes_lose_their_last_row_and_column_and_no_size_breaks_anything() {
        for format in [
            PixelFormat::Rgba,
            PixelFormat::Rgb,
            PixelFormat::Yuyv,
            PixelFormat::Nv12,
            PixelFormat::Gray,
        ] {
            for size in [(2, 2), (3, 3), (5, 2), (2, 7), (641, 481)] {
                let data = vec![50; 641 * 481 * 4];
                let picture = Picture::from(&RawPicture::new(size, format, data).unwrap());
                assert_eq!(picture.size(), ((size.0 & !1) as usize, (size.1 & !1) as usize));
            }
            assert!(RawPicture::new((640, 480), format, vec![0; 1_000]).is_err());
            assert!(RawPicture::new((0, 480), format, vec![0; 1_000]).is_err());
            assert!(RawPicture::new((u32::MAX, u32::MAX), format, vec![0; 1_000]).is_err());
        }
    }
}
