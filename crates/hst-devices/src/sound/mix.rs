/// Below this a mix is left as it is.
const KNEE: f32 = 0.8;

/// Brings a mix of any loudness below the full scale: what is above the knee is bent, without an edge, and never cut.
pub(crate) fn limit(mix: &mut [f32]) {
    for sample in mix {
        let over = sample.abs() - KNEE;
        if over > 0.0 {
            *sample = sample.signum() * (KNEE + (1.0 - KNEE) * (over / (1.0 - KNEE)).tanh());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::signal::tone;

    #[test]
    fn a_quiet_mix_is_left_alone_and_a_loud_one_bends_below_the_full_scale_without_an_edge() {
        let quiet = tone(440.0, 48_000, 4_800);
        let mut mix = quiet.clone();
        limit(&mut mix);
        assert_eq!(mix, quiet);

        // Twenty who shout at once.
        let mut mix: Vec<f32> = quiet.iter().map(|sample| sample * 20.0).collect();
        limit(&mut mix);
        assert!(mix.iter().all(|sample| sample.abs() <= 1.0));

        // Two who speak: the louder sample stays the louder one, which a cut would not keep.
        let mut ramp: Vec<f32> = (0..150).map(|at| at as f32 / 100.0).collect();
        limit(&mut ramp);
        assert!(ramp.windows(2).all(|pair| pair[0] < pair[1]), "{ramp:?}");
    }
}
