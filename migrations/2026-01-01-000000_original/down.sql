DROP TABLE daemon_state;
DROP TABLE shares;
