#![no_main]

panko_fuzz::target!("Kimi Code");
