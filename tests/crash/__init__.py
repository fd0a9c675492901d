"""smppd is killed under load and started again on its store; ledgers of both ends judge what became of each message."""
