//! Writes the documented answers as a seed corpus of the target `answer`:
//!
//! ```sh
//! cargo run -p auth-fuzz-properties --example seeds -- target/fuzz/seeds/answer
//! ```

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let directory = env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or_else(|| io::Error::other("usage: seeds DIRECTORY"))?;
    fs::create_dir_all(&directory)?;
    for answer in auth_fuzz_properties::answers() {
        fs::write(directory.join(answer.id), answer.input)?;
    }
    Ok(())
}
