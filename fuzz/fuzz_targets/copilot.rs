#![no_main]

panko_fuzz::target!("Copilot CLI");
