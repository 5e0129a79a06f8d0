#![no_main]

panko_fuzz::target!("Qwen Code");
