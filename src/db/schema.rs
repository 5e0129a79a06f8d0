// @generated automatically by Diesel CLI.

diesel::table! {
    daemon_state (key) {
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    share_events (id) {
        id -> BigInt,
        share_id -> Text,
        at -> Text,
        status -> Text,
        phase -> Text,
        public_url -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    shares (id) {
        id -> Text,
        session_path -> Text,
        session_name -> Text,
        public_url -> Text,
        provider_name -> Text,
        local_port -> Integer,
        started_at -> Text,
        status -> Text,
        token -> Nullable<Text>,
        wanted -> Bool,
        options -> Text,
        source_len -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        remedy -> Nullable<Text>,
        ended_at -> Nullable<Text>,
        source_identity -> Nullable<Text>,
        not_before -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(daemon_state, share_events, shares,);
