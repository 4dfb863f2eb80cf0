//! Pictures, drawn by plotters as SVG, all of them from the tables of the report.

mod axis;
mod bars;
mod figures;
mod lines;
pub(crate) mod theme;
pub(crate) mod ticks;
pub(crate) mod xy;

use crate::error::ReportError;
use crate::report::Report;
use bars::Bars;
use lines::Lines;
use theme::Ink;

/// Size of letters; plotters makes them smaller by its own factor of 1.24.
const TEXT_SIZE: u32 = 15;

/// A picture.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Name.
    pub(crate) id: String,
    /// Title.
    pub(crate) title: String,
    /// Colours and what they stand for.
    pub(crate) legend: Vec<(Ink, String)>,
    /// What it shows, for those who cannot see it.
    pub(crate) words: String,
    /// For wide windows and paper.
    pub(crate) wide: String,
    /// For narrow ones.
    pub(crate) narrow: String,
}

/// What is to be drawn.
enum Drawing {
    Bars(Bars),
    Lines(Lines),
}

/// Width of a picture in a narrow window, in pixels.
const NARROW: u32 = 350;

impl Drawing {
    fn draw(&self, id: &str, half: bool) -> Result<(String, String), ReportError> {
        let fault = |cause| ReportError::Draw {
            figure: id.to_owned(),
            cause,
        };
        let (wide, narrow) = match self {
            Drawing::Bars(p) => (
                bars::draw(p, if half { 500 } else { 1000 }),
                bars::draw(p, NARROW),
            ),
            Drawing::Lines(p) => (
                lines::draw(p, if half { (500, 240) } else { (1000, 260) }),
                lines::draw(p, (NARROW, 220)),
            ),
        };
        Ok((wide.map_err(fault)?, narrow.map_err(fault)?))
    }
}

/// A picture of points, for wide windows and for narrow ones.
pub(crate) fn points(id: &str, p: &xy::Points) -> Result<(String, String), ReportError> {
    let fault = |cause| ReportError::Draw {
        figure: id.to_owned(),
        cause,
    };
    let draw = |size| xy::draw(p, size).map_err(fault);
    Ok((draw((500, 280))?, draw((NARROW, 260))?))
}

/// Every picture that the report has data for.
pub(crate) fn figures(report: &Report) -> Result<Vec<Figure>, ReportError> {
    figures::all(report)
}
