// @generated automatically by Diesel CLI.

diesel::table! {
    daemon_state (key) {
        key -> Text,
        value -> Text,
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
    }
}

diesel::allow_tables_to_appear_in_same_query!(daemon_state, shares,);
