#![no_main]

panko_fuzz::target!("Gemini CLI");
