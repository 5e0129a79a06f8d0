//! What the migrations make, for Diesel; a test holds it against them. The full-text table is no table to
//! Diesel: it is asked in SQL (`search`).

diesel::table! {
    sessions (id) {
        id -> BigInt,
        path -> Binary,
        size -> BigInt,
        mtime -> BigInt,
        inode -> BigInt,
        device -> BigInt,
        agent -> Nullable<Text>,
        title -> Nullable<Text>,
        titled_by -> Nullable<BigInt>,
        prompt -> Nullable<Text>,
        project -> Nullable<Text>,
        started -> Nullable<BigInt>,
        ended -> Nullable<BigInt>,
        answered -> Bool,
        read_through -> Bool,
        resume_offset -> BigInt,
        resume_window -> BigInt,
        resume_turn -> BigInt,
        resume_check -> Nullable<Binary>,
        whole_title -> Nullable<Text>,
        whole_titled_by -> Nullable<BigInt>,
        whole_answered -> Nullable<Bool>,
    }
}

diesel::table! {
    passages (id) {
        id -> BigInt,
        session -> BigInt,
        part -> BigInt,
        turn -> BigInt,
        role -> Text,
        text -> Text,
    }
}
