#![no_main]

panko_fuzz::target!("Cursor");
