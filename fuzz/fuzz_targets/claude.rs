#![no_main]

panko_fuzz::target!("Claude Code");
