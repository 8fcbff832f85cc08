import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import java.io.File;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Date;

/** What EU DSS says of each PDF named after its root (PEM or DER): file, indication, reason, format, one line each. */
public class Judge {
    public static void main(String[] words) {
        PrintStream told = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(new PrintStream(OutputStream.nullOutputStream())); // libraries log there
        Date at = new Date(Long.parseLong(words[0]) * 1000);
        CommonTrustedCertificateSource roots = new CommonTrustedCertificateSource();
        for (String path : words[1].split(File.pathSeparator)) {
            CertificateToken root = DSSUtils.loadCertificate(new File(path));
            roots.addCertificate(root);
        }
        for (int place = 2; place < words.length; place++) {
            CommonCertificateVerifier verifier = new CommonCertificateVerifier();
            verifier.setTrustedCertSources(roots);
            verifier.setAIASource(null);
            SignedDocumentValidator validator = SignedDocumentValidator.fromDocument(new FileDocument(words[place]));
            validator.setCertificateVerifier(verifier);
            validator.setValidationTime(at);
            Reports reports = validator.validateDocument();
            SimpleReport report = reports.getSimpleReport();
            for (String signature : report.getSignatureIdList()) {
                told.println(String.join("\t", words[place], String.valueOf(report.getIndication(signature)),
                    String.valueOf(report.getSubIndication(signature)),
                    String.valueOf(report.getSignatureFormat(signature)),
                    String.valueOf(reports.getDiagnosticData().getSignatureById(signature).isSignatureIntact())
                        + " " + reports.getDiagnosticData().getSignatureById(signature).isSignatureValid()));
            }
        }
    }
}
