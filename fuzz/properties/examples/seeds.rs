//! Writes the documented responses as a seed corpus of the target `response`:
//!
//! ```sh
//! cargo run -p auth-fuzz-properties --example seeds -- target/fuzz/seeds/response
//! ```

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let directory = env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or_else(|| io::Error::other("usage: seeds DIRECTORY"))?;
    fs::create_dir_all(&directory)?;
    for response in auth_fuzz_properties::responses() {
        fs::write(directory.join(response.id), response.input)?;
    }
    Ok(())
}
