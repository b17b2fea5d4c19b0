"""What a period leaves behind for people: bulletins, ledgers, tables of adjustments, orders to be printed."""
