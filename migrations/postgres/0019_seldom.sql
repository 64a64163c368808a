-- SQLite finds inventories in states that few are in by an index. Here an index that names the state would end what keeps its changes
-- cheap (HOT): each would write every index of documents anew.
SELECT 1;
