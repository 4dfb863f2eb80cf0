//! Round numbers for axes.

/// Ticks from zero to at least `max`, about `count` of them, at 1, 2 or 5 times a power of ten.
pub(crate) fn linear(max: f64, count: usize) -> Vec<f64> {
    let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
    let step = step(max / count.max(1) as f64);
    let n = (max / step).ceil() as i64;
    (0..=n).map(|i| i as f64 * step).collect()
}

/// Ticks between `min` and `max`.
pub(crate) fn between(min: f64, max: f64, count: usize) -> Vec<f64> {
    let step = step((max - min).max(1.0) / count.max(1) as f64);
    let first = (min / step).ceil() as i64;
    let last = (max / step).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

fn step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|m| m * power >= raw * 0.999_999)
        .unwrap_or(10.0);
    round * power
}

/// Decimal logarithms of 1, 2 and 5 times powers of ten that lie between two logarithms; only powers of ten where they are many.
pub(crate) fn logarithmic(min: f64, max: f64) -> Vec<f64> {
    let steps: &[f64] = if max - min > 2.6 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let (first, last) = (min.floor() as i32, max.ceil() as i32);
    (first..=last)
        .flat_map(|p| steps.iter().map(move |s| f64::from(p) + s.log10()))
        .filter(|t| *t >= min - 1e-9 && *t <= max + 1e-9)
        .collect()
}

/// A tick's label: no more digits than it needs, thousands as k and millions as M.
pub(crate) fn label(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers() {
        assert_eq!(linear(28.9, 4), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(linear(0.0, 2), [0.0, 0.5, 1.0]);
        assert_eq!(between(7282.0, 19_346.0, 5), [10_000.0, 15_000.0]);
        assert_eq!(
            logarithmic(0.0, 1.1)
                .iter()
                .map(|t| 10_f64.powf(*t).round())
                .collect::<Vec<_>>(),
            [1.0, 2.0, 5.0, 10.0]
        );
        assert_eq!(logarithmic(0.0, 3.2).len(), 4);
        assert_eq!(
            [0.0, 0.25, 5000.0, 15_000.0, 2.5e6].map(label),
            ["0", "0.25", "5000", "15k", "2.5M"]
        );
    }
}
