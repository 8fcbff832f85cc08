import eu.europa.esig.dss.enumerations.DigestMatcherType;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import eu.europa.esig.dss.diagnostic.EvidenceRecordWrapper;
import eu.europa.esig.dss.diagnostic.TimestampWrapper;
import java.io.File;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What EU DSS says of the record.ers of each folder for the files in its « objects »: name, verdict, one line each. */
public class Records {
    public static void main(String[] words) {
        PrintStream told = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(new PrintStream(OutputStream.nullOutputStream())); // libraries log there
        CommonTrustedCertificateSource roots = new CommonTrustedCertificateSource();
        for (String path : words[0].split(File.pathSeparator)) {
            roots.addCertificate(DSSUtils.loadCertificate(new File(path)));
        }
        for (int place = 1; place < words.length; place++) {
            told.println(new File(words[place]).getName() + "\t" + judged(new File(words[place]), roots));
        }
    }

    /** Whether a later token covers what came before it; orphans are its neighbours in the hash tree. */
    private static boolean renews(TimestampWrapper token) {
        return token.getDigestMatchers().stream().anyMatch(each -> each.isDataFound() && each.isDataIntact()
            && (each.getType() == DigestMatcherType.EVIDENCE_RECORD_ARCHIVE_TIME_STAMP
                || each.getType() == DigestMatcherType.EVIDENCE_RECORD_ARCHIVE_OBJECT));
    }

    private static String judged(File folder, CommonTrustedCertificateSource roots) {
        try {
            CommonCertificateVerifier verifier = new CommonCertificateVerifier();
            verifier.setTrustedCertSources(roots);
            verifier.setAIASource(null);
            SignedDocumentValidator validator =
                SignedDocumentValidator.fromDocument(new FileDocument(new File(folder, "record.ers")));
            validator.setCertificateVerifier(verifier);
            List<DSSDocument> objects = new ArrayList<>();
            for (File file : new File(folder, "objects").listFiles()) {
                objects.add(new FileDocument(file));
            }
            validator.setDetachedContents(objects);
            Reports reports = validator.validateDocument();
            String id = reports.getSimpleReport().getFirstEvidenceRecordId();
            EvidenceRecordWrapper record = reports.getDiagnosticData().getEvidenceRecordById(id);
            boolean found = record.getDigestMatchers().stream().allMatch(each -> each.isDataFound() && each.isDataIntact());
            List<TimestampWrapper> tokens = record.getTimestampList();
            boolean stamped = tokens.stream().allMatch(each -> each.isMessageImprintDataFound()
                && each.isMessageImprintDataIntact()
                && (each == tokens.get(0) || renews(each)) && each.isSignatureIntact() && each.isSignatureValid());
            boolean trusted = tokens.stream().allMatch(each -> each.isTrustedChain());
            if (found && stamped && trusted && !tokens.isEmpty()) {
                return "accepted " + tokens.size();
            }
            return "refused: objects " + found + ", tokens " + stamped + ", trusted " + trusted;
        } catch (Exception | Error error) {
            return "refused: " + error;
        }
    }
}
