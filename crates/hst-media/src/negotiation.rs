use crate::{LineId, MediaError};

/// The bookkeeping that every engine needs: which section of the session description carries which line, whose turn
/// it is, and which section is free again. `S` is what the engine keeps for a section.
///
/// A section is free only after an offer that shows it inactive has been answered, so that media of the line before
/// is never taken for that of the next one.
#[derive(Debug)]
pub struct Negotiation<S> {
    sections: Vec<(S, Use)>,
    next_line: u32,
    offered: bool,
}

#[derive(Debug, Clone, Copy)]
enum Use {
    Idle,
    Live { line: LineId, offered: bool },
    Stopping { offered: bool },
}

impl<S> Negotiation<S> {
    /// No sections yet, and an offer is next.
    pub fn new() -> Self {
        Self {
            sections: Vec::new(),
            next_line: 0,
            offered: false,
        }
    }

    /// The place of a free section that fits.
    pub fn idle(&self, fits: impl Fn(&S) -> bool) -> Option<usize> {
        self.sections
            .iter()
            .position(|(section, state)| matches!(state, Use::Idle) && fits(section))
    }

    /// Adds a free section; returns its place.
    pub fn add(&mut self, section: S) -> usize {
        self.sections.push((section, Use::Idle));
        self.sections.len() - 1
    }

    /// Lets a free section carry a new line.
    ///
    /// # Panics
    /// If there is no free section at this place.
    pub fn carry(&mut self, place: usize) -> (LineId, &mut S) {
        let line = LineId(self.next_line);
        self.next_line += 1;
        let (section, state) = &mut self.sections[place];
        assert!(matches!(state, Use::Idle), "only a free section takes a line");
        *state = Use::Live { line, offered: false };
        (line, section)
    }

    /// Takes the line off its section.
    ///
    /// # Errors
    /// [`MediaError::UnknownLine`].
    pub fn stop(&mut self, line: LineId) -> Result<&mut S, MediaError> {
        let found = self
            .sections
            .iter_mut()
            .find(|(_, state)| matches!(state, Use::Live { line: of, .. } if *of == line));
        let (section, state) = found.ok_or(MediaError::UnknownLine(line))?;
        *state = Use::Stopping { offered: false };
        Ok(section)
    }

    /// The lines in use, in the order of their sections.
    pub fn lines(&self) -> impl Iterator<Item = (LineId, &S)> {
        self.sections.iter().filter_map(|(section, state)| match state {
            Use::Live { line, .. } => Some((*line, section)),
            Use::Idle | Use::Stopping { .. } => None,
        })
    }

    /// All sections in their order, whether they carry a line or not.
    pub fn sections(&mut self) -> impl Iterator<Item = &mut S> {
        self.sections.iter_mut().map(|(section, _)| section)
    }

    /// Whether an offer may be made now.
    ///
    /// # Errors
    /// [`MediaError::OutOfTurn`] or [`MediaError::NoLines`].
    pub fn check_offer(&self) -> Result<(), MediaError> {
        match self.sections.is_empty() {
            _ if self.offered => Err(MediaError::OutOfTurn),
            true => Err(MediaError::NoLines),
            false => Ok(()),
        }
    }

    /// An offer has been made of everything as it is now.
    ///
    /// # Errors
    /// As [`check_offer`](Self::check_offer).
    pub fn offered(&mut self) -> Result<(), MediaError> {
        self.check_offer()?;
        self.offered = true;
        for (_, state) in &mut self.sections {
            if let Use::Live { offered, .. } | Use::Stopping { offered } = state {
                *offered = true;
            }
        }
        Ok(())
    }

    /// The answer has come: returns the lines that are negotiated, old ones and new ones, and frees the sections of
    /// those that the offer had stopped.
    ///
    /// # Errors
    /// [`MediaError::OutOfTurn`].
    pub fn answered(&mut self) -> Result<impl Iterator<Item = (LineId, &mut S)>, MediaError> {
        if !std::mem::take(&mut self.offered) {
            return Err(MediaError::OutOfTurn);
        }
        Ok(self.sections.iter_mut().filter_map(|(section, state)| match *state {
            Use::Live { line, offered: true } => Some((line, section)),
            Use::Stopping { offered: true } => {
                *state = Use::Idle;
                None
            }
            _ => None,
        }))
    }
}

impl<S> Default for Negotiation<S> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiate(negotiation: &mut Negotiation<&'static str>) -> Vec<(LineId, &'static str)> {
        negotiation.offered().unwrap();
        negotiation
            .answered()
            .unwrap()
            .map(|(line, section)| (line, *section))
            .collect()
    }

    #[test]
    fn a_section_is_free_only_after_the_other_side_knows() {
        let mut negotiation = Negotiation::new();
        let place = negotiation.add("a");
        let (line, _) = negotiation.carry(place);
        assert_eq!(negotiate(&mut negotiation), [(line, "a")]);

        negotiation.stop(line).unwrap();
        assert_eq!(negotiation.idle(|_| true), None, "the other side still sends on it");
        assert_eq!(negotiate(&mut negotiation), []);
        assert_eq!(negotiation.idle(|_| true), Some(place));
        let (next, _) = negotiation.carry(place);
        assert_ne!(next, line, "an id is never used twice");
    }

    #[test]
    fn what_changes_between_offer_and_answer_waits_for_the_next_offer() {
        let mut negotiation = Negotiation::new();
        let [first, second] = [negotiation.add("a"), negotiation.add("b")];
        let (line, _) = negotiation.carry(first);
        negotiation.offered().unwrap();
        negotiation.stop(line).unwrap();
        let (late, _) = negotiation.carry(second);
        assert_eq!(negotiation.answered().unwrap().count(), 0);
        assert_eq!(negotiation.idle(|_| true), None);
        assert_eq!(negotiate(&mut negotiation), [(late, "b")]);
        assert_eq!(negotiation.idle(|_| true), Some(first));
    }

    #[test]
    fn offers_and_answers_take_turns() {
        let mut negotiation = Negotiation::new();
        assert!(matches!(negotiation.offered(), Err(MediaError::NoLines)));
        negotiation.add("a");
        assert!(matches!(
            negotiation.answered().map(Iterator::count),
            Err(MediaError::OutOfTurn)
        ));
        negotiation.offered().unwrap();
        assert!(matches!(negotiation.offered(), Err(MediaError::OutOfTurn)));
        assert!(matches!(
            negotiation.stop(LineId(9)),
            Err(MediaError::UnknownLine(LineId(9)))
        ));
    }
}
