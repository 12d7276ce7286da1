//! Users' own spaces. A parsed space can be sampled, and its architectures written and parsed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nas_space::Space;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fuzz_target!(|text: &str| {
    if let Ok(space) = Space::from_toml(text) {
        let arch = space.sample(&mut ChaCha8Rng::seed_from_u64(1));
        assert!(space.check(&arch).is_ok());
        let _ = space.parse(&space.format(&arch));
        let _ = space.is_connected(&arch);
    }
});
