# A database on the disk is made, changed, closed, opened again by another process, and asked.
sqlite() { /sqlite/bin/sqlite3 -batch -bail "$@"; }

# asked WHAT ANSWER: what the database says.
asked() {
    answer=$(sqlite shop.db "$1")
    [ "$answer" = "$2" ] || { echo "$1 gives $answer, not $2" >&2; exit 1; }
}

sqlite :memory: 'select sqlite_version()'
sqlite shop.db <<'END'
create table parts(id integer primary key, name text unique, price real check (price > 0));
insert into parts(name, price) values ('bolt', 0.25), ('nut', 0.1), ('gear', 12.5);
begin;
update parts set price = 99 where name = 'bolt';
rollback;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
    insert into parts(name, price) select 'part ' || i, i from n;
create index by_price on parts(price);
create virtual table notes using fts5(text);
insert into notes values ('the gear turns'), ('a nut and a bolt'), ('turned by a gear');
END

asked 'select count(*), sum(id) from parts' '20003|200070006'
asked "select price from parts where name = 'bolt'" 0.25
asked 'select name from parts where price between 12.4 and 12.6' gear
asked "select count(*) from notes where notes match 'gear'" 2
asked "select json_extract('{\"a\": [1, 2, {\"b\": \"deep\"}]}', '\$.a[2].b')" deep
asked 'select round(sqrt(2), 5), typeof(1.0), hex(zeroblob(2))' '1.41421|real|0000'
asked 'pragma integrity_check' ok

# What must fail does, and changes nothing.
if sqlite shop.db "insert into parts(name, price) values ('free', 0)" 2> refused; then exit 1; fi
grep -q 'CHECK constraint failed' refused
asked "select count(*) from parts where name = 'free'" 0
