import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.mustangproject.validator.ZUGFeRDValidator;

/** Mustang's report on each file named, in one machine: a line with the name, then its XML on one line. */
public class Judge {
    public static void main(String[] files) {
        PrintStream told = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(new PrintStream(OutputStream.nullOutputStream())); // libraries log there
        for (String file : files) {
            String report = new ZUGFeRDValidator().validate(file);
            told.println(file);
            told.println(report.replaceAll("\\s+", " "));
        }
    }
}
