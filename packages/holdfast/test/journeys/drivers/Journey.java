import java.io.StringReader;
import java.io.StringWriter;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** pgjdbc as a user works with it. One line per step; arguments: `fidelity`, or `once SQL [txn]`. */
public class Journey {
  interface Work { Object run() throws Exception; }

  static void show(String step, Object value) {
    System.out.println(step + ": " + value);
  }

  static void attempt(String step, Work work) throws Exception {
    try {
      show(step, work.run());
    } catch (BatchUpdateException error) {
      show(step, "batch " + Arrays.toString(error.getUpdateCounts()) + " " + fault((SQLException) error.getCause()));
    } catch (SQLException error) {
      show(step, fault(error));
    }
  }

  static String fault(SQLException error) {
    if (!(error instanceof PSQLException)) return error.getSQLState() + " " + error.getMessage();
    ServerErrorMessage m = ((PSQLException) error).getServerErrorMessage();
    if (m == null) return error.getSQLState() + " " + error.getMessage();
    return "error " + String.join(" | ", Arrays.asList(
        "" + m.getSeverity(), "" + m.getSQLState(), "" + m.getMessage(), "" + m.getDetail(), "" + m.getHint(),
        "" + m.getPosition(), "" + m.getWhere(), "" + m.getTable(), "" + m.getConstraint(), "" + m.getFile(), "" + m.getRoutine()));
  }

  static String rows(ResultSet result) throws SQLException {
    ResultSetMetaData meta = result.getMetaData();
    StringBuilder text = new StringBuilder();
    for (int i = 1; i <= meta.getColumnCount(); i++) text.append(meta.getColumnName(i)).append('/').append(meta.getColumnTypeName(i)).append(' ');
    while (result.next()) {
      text.append('[');
      for (int i = 1; i <= meta.getColumnCount(); i++) text.append(meta.getColumnTypeName(i).equals("bytea") ? Arrays.toString(result.getBytes(i)) : result.getString(i)).append(',');
      text.append(']');
    }
    return text.toString();
  }

  static void fidelity(Connection c) throws Exception {
    show("version", c.getMetaData().getDatabaseProductVersion());
    Statement s = c.createStatement();
    attempt("create", () -> s.executeUpdate("create table jdbc (id int primary key, n numeric, t timestamp, raw bytea, tags text[])"));
    PreparedStatement insert = c.prepareStatement("insert into jdbc values (?, ?, ?, ?, ?)");
    for (int i = 0; i < 12; i++) {
      insert.setInt(1, i);
      insert.setBigDecimal(2, new java.math.BigDecimal("1.50"));
      insert.setTimestamp(3, Timestamp.valueOf("2026-01-02 03:04:05"));
      insert.setBytes(4, new byte[] {0, (byte) 255});
      insert.setArray(5, c.createArrayOf("text", new String[] {"a", null, "é"}));
      int count = insert.executeUpdate();
      if (i % 5 == 0) show("insert " + i, count);
    }
    PreparedStatement select = c.prepareStatement("select * from jdbc where id = ?");
    for (int i = 0; i < 9; i++) {
      select.setInt(1, i);
      try (ResultSet found = select.executeQuery()) { show("select " + i, rows(found)); }
    }
    c.setAutoCommit(false);
    for (int i = 100; i < 400; i++) {
      insert.setInt(1, i);
      insert.addBatch();
    }
    attempt("batch", () -> Arrays.stream(insert.executeBatch()).sum());
    c.commit();
    insert.setInt(1, 500); insert.addBatch();
    insert.setInt(1, 100); insert.addBatch();
    insert.setInt(1, 501); insert.addBatch();
    attempt("batch with a duplicate", () -> insert.executeBatch().length);
    attempt("in failed", () -> rows(s.executeQuery("select 1")));
    c.rollback();
    try (Statement walk = c.createStatement()) {
      walk.setFetchSize(50);
      int seen = 0;
      try (ResultSet all = walk.executeQuery("select id from jdbc order by id")) { while (all.next()) seen += all.getInt(1); }
      show("fetch size", seen);
    }
    Savepoint point = c.setSavepoint("p");
    attempt("duplicate", () -> s.executeUpdate("insert into jdbc (id) values (1)"));
    c.rollback(point);
    attempt("after savepoint", () -> s.executeUpdate("insert into jdbc (id) values (600)"));
    c.commit();
    c.setAutoCommit(true);
    attempt("wrong column", () -> rows(s.executeQuery("select colour from jdbc")));
    attempt("syntax", () -> rows(s.executeQuery("selec 1")));
    attempt("several", () -> {
      boolean more = s.execute("select 1 as a; update jdbc set n = 2 where id = 3; select 'x' as b");
      StringBuilder text = new StringBuilder();
      while (more || s.getUpdateCount() >= 0) {
        text.append(more ? rows(s.getResultSet()) : "count " + s.getUpdateCount()).append(" ; ");
        more = s.getMoreResults();
      }
      return text;
    });
    CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
    StringBuilder lines = new StringBuilder();
    for (int i = 1000; i < 3000; i++) lines.append(i).append("\t9.5\n");
    attempt("copy in", () -> copy.copyIn("copy jdbc (id, n) from stdin", new StringReader(lines.toString())));
    StringWriter out = new StringWriter();
    attempt("copy out", () -> copy.copyOut("copy (select id, n from jdbc order by id) to stdout with csv", out));
    show("copied", out);
    attempt("copy fails", () -> copy.copyIn("copy jdbc (id) from stdin", new StringReader("nonsense\n")));
    s.execute("listen bell");
    s.execute("notify bell, 'ding'");
    PGNotification[] heard = c.unwrap(PGConnection.class).getNotifications(10000);
    show("notified", heard == null ? "nothing" : heard[0].getName() + " " + heard[0].getParameter());
    s.execute("do $$ begin raise notice 'hello' using hint = 'a hint'; end $$");
    show("warning", s.getWarnings() == null ? "none" : fault((SQLException) s.getWarnings()));
    Statement slow = c.createStatement();
    slow.setQueryTimeout(1);
    attempt("cancelled", () -> rows(slow.executeQuery("select pg_sleep(20)")));
    byte[] big = new byte[20_000_000];
    Arrays.fill(big, (byte) 7);
    PreparedStatement large = c.prepareStatement("select length(?::bytea), ?::bytea");
    large.setBytes(1, big);
    large.setBytes(2, big);
    try (ResultSet found = large.executeQuery()) { found.next(); show("20 MB", found.getInt(1) + " " + Arrays.equals(big, found.getBytes(2))); }
    ResultSet columns = c.getMetaData().getColumns(null, "public", "jdbc", "%");
    StringBuilder names = new StringBuilder();
    while (columns.next()) names.append(columns.getString("COLUMN_NAME")).append(' ').append(columns.getString("TYPE_NAME")).append(',');
    show("metadata", names);
    attempt("drop", () -> s.executeUpdate("drop table jdbc"));
  }

  static void once(Connection c, String sql, boolean inside) throws Exception {
    Statement s = c.createStatement();
    if (inside) {
      c.setAutoCommit(false);
      attempt("first", () -> s.executeUpdate("insert into kept values (100)"));
      attempt("second", () -> s.execute("savepoint s"));
    }
    attempt("statement", () -> s.execute(sql) ? rows(s.getResultSet()) : "count " + s.getUpdateCount());
    attempt("after", () -> rows(s.executeQuery("select 1")));
    if (inside) {
      attempt("to savepoint", () -> s.execute("rollback to s"));
      attempt("third", () -> s.executeUpdate("insert into kept values (101)"));
      c.commit();
    }
  }

  public static void main(String[] args) throws Exception {
    Map<String, String> env = System.getenv();
    String url = "jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE")
        + "?sslmode=disable&logServerErrorDetail=true";
    try (Connection c = DriverManager.getConnection(url, env.get("PGUSER"), env.get("PGPASSWORD"))) {
      if (args[0].equals("fidelity")) fidelity(c);
      else once(c, args[1], args.length > 2);
    }
  }
}
